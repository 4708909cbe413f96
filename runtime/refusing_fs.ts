/**
 * A file system that refuses every call, for a machine on which nothing could be promised.
 *
 * @module
 */

import type { DurableFs } from "../src/durable_fs.ts";

/** @param advice why, and what to do */
export function refusingFs(advice: string): DurableFs {
  const refuse = (): Promise<never> =>
    Promise.reject(Object.assign(new Error(advice), { code: "ENOSYS", advice }));
  return {
    open: refuse,
    rename: refuse,
    remove: refuse,
    list: refuse,
    makeDirectory: refuse,
    syncDirectory: refuse,
    lock: refuse,
    lockDirectory: refuse,
    identity: refuse,
    resolve: refuse,
    crc32: () => 0,
  };
}
