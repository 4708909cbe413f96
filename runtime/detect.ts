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
 * The file system that a caller gave or else the running runtime's, and a directory as its path is meant now: by the
 * time the runtime's own is loaded, the program may have changed its directory.
 */
export async function detectPlace(
  directory: string,
  given: DurableFs | undefined,
): Promise<{ fs: DurableFs; directory: string }> {
  if (given !== undefined) return { fs: given, directory };
  const path = absolutePath(directory, currentDirectory);
  return { fs: await detectFs(), directory: path };
}

function currentDirectory(): string {
  const { Deno, process } = globalThis as {
    Deno?: { cwd(): string };
    process?: { cwd(): string };
  };
  return (Deno ?? process!).cwd();
}
