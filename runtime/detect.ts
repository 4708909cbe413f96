/**
 * Chooses the file system of the runtime this program runs on, once.
 *
 * @module
 */

import type { DurableFs } from "../src/durable_fs.ts";
import { absolutePath } from "./paths.ts";

/** The running runtime's file system. Only its own module is loaded: `node:fs` would double Deno's start. */
export function detectFs(): Promise<DurableFs> {
  const module = "Deno" in globalThis
    // Loaded there alone: no other runtime has what it calls.
    ? import("./deno_fs.ts")
    : import("./node_fs.ts");
  return module.then(({ runtimeFs }) => runtimeFs);
}

/**
 * What a path means now, as an absolute one. For callers that wait for the file system first: by the time it is loaded,
 * the program may have changed its directory.
 */
export function fromHere(path: string): string {
  const { Deno, process } = globalThis as {
    Deno?: { cwd(): string };
    process?: { cwd(): string };
  };
  return absolutePath(path, () => (Deno ?? process!).cwd());
}
