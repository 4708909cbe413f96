/**
 * Chooses the file system of the runtime this program runs on, once.
 *
 * @module
 */

import type { DurableFs } from "../src/durable_fs.ts";

let chosen: Promise<DurableFs> | undefined;

/** The running runtime's file system. Only its own module is loaded: `node:fs` would double Deno's start. */
export function detectFs(): Promise<DurableFs> {
  chosen ??= ("Deno" in globalThis ? import("./deno_fs.ts") : import("./node_fs.ts"))
    .then((module) => module.runtimeFs);
  return chosen;
}
