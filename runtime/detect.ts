/**
 * Chooses the file system of the running runtime, once.
 *
 * @module
 */

import type { DurableFs } from "../src/durable_fs.ts";
import { absolutePath } from "./paths.ts";
import { refusingFs } from "./refusing_fs.ts";
import { missing, type System, thisSystem, unsupported } from "./system.ts";

/**
 * The running runtime's file system. Loads only its own module: `node:fs` would double Deno's start time. Where nothing
 * can be promised, or that module is missing, it is a file system that refuses every call and says why.
 *
 * @param system what the program runs on
 * @param load loads the module
 */
export async function detectFs(
  system: System = thisSystem(),
  load: () => Promise<{ runtimeFs: DurableFs }> = loadFs,
): Promise<DurableFs> {
  const advice = unsupported(system);
  if (advice !== null) return refusingFs(advice);
  try {
    return (await load()).runtimeFs;
  } catch (error) {
    return refusingFs(missing(error));
  }
}

function loadFs(): Promise<{ runtimeFs: DurableFs }> {
  return "Deno" in globalThis
    // Loaded only there: no other runtime has the functions it calls.
    ? import("./deno_fs.ts")
    : import("./node_fs.ts");
}

/**
 * The file system that the caller gave, or else that of the running runtime, and the directory as an absolute path. The
 * path is made absolute first: while the file system loads, the program may change its current directory.
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
