/**
 * The file system of Windows, which refuses every call: nothing there makes a name durable, so nothing could be promised.
 *
 * @module
 */

import type { DurableFs } from "../src/durable_fs.ts";

const ADVICE = "Windows can't make a file's name durable, and is not supported: " +
  "run the program on Linux, for example in WSL, in a container, or on the board";

function refuse(): Promise<never> {
  return Promise.reject(Object.assign(new Error(ADVICE), { code: "ENOSYS", advice: ADVICE }));
}

/** Refuses every call. */
export const runtimeFs: DurableFs = {
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
