/**
 * Finds `flock` in the C library, only under Node, and only where that prints no warning.
 *
 * @module
 */

import { nameOfErrno } from "./errno.ts";
import { type Flock, LIBRARY, LOCK_EXCLUSIVE_NOW } from "./flock_call.ts";

/** The part that is used of `node:ffi`, which Node has since version 26.1. Only newer declarations know it. */
interface NodeFfi {
  dlopen(library: string, definitions: Record<string, { arguments: string[]; return: string }>): {
    functions: { flock(fd: number, operation: number): number; __errno_location(): bigint };
  };
  getInt32(pointer: bigint): number;
}

/** The part that is used of Node's global `process`. */
export interface NodeProcess {
  execArgv: readonly string[];
  env: Record<string, string | undefined>;
  getBuiltinModule?(name: string): unknown;
}

/** The options that keep Node from printing a warning when `node:ffi` is loaded, which is experimental. */
const SILENT = /(^| )(--no-warnings|--disable-warning[= ]ExperimentalWarning)( |$)/;

/**
 * @param process Node's
 * @returns `null` where Node is too old, would print a warning, or does not permit it; and where the library has
 * another name (musl, for example)
 */
export function findFlock(process: NodeProcess, library: string = LIBRARY): Flock | null {
  const { execArgv, env } = process;
  const options = [...execArgv, env.NODE_OPTIONS ?? ""].join(" ");
  if (env.NODE_NO_WARNINGS !== "1" && !SILENT.test(options)) return null;
  try {
    const ffi = process.getBuiltinModule?.("node:ffi") as NodeFfi | undefined;
    if (ffi === undefined) return null;
    // Kept as a whole: once it is collected, the library is closed, and its functions with it.
    const opened = ffi.dlopen(library, {
      flock: { arguments: ["i32", "i32"], return: "i32" },
      __errno_location: { arguments: [], return: "pointer" },
    });
    const place = opened.functions.__errno_location();
    const found: Flock = {
      flock: (fd, operation) => opened.functions.flock(fd, operation),
      errno: () => ffi.getInt32(place),
    };
    // The module may change in any version. No file has this descriptor, so the answer is known.
    const isRefused = found.flock(-1, LOCK_EXCLUSIVE_NOW) === -1;
    return isRefused && nameOfErrno(found.errno(), false) === "EBADF" ? found : null;
  } catch {
    return null;
  }
}
