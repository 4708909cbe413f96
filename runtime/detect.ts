/**
 * Chooses the file system of the runtime this program runs on, once.
 *
 * @module
 */

import type { DurableFs } from "../src/durable_fs.ts";

/** The running runtime's file system. Only its own module is loaded: `node:fs` would double Deno's start. */
export function detectFs(): Promise<DurableFs> {
  const module = "Deno" in globalThis
    // Loaded there alone: no other runtime has what it calls.
    ? import("./deno_fs.ts")
    : import("./node_fs.ts");
  return module.then(({ runtimeFs }) => runtimeFs);
}
