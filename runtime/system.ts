/**
 * Names what the program runs on, and says why it can't run there or as it was built.
 *
 * @module
 */

/** What a program runs on. */
export interface System {
  /** `"linux"`, `"darwin"` (macOS), `"windows"`, or another name that the runtime has for it. */
  name: string;
  /** The version of Node; `null` under another runtime. */
  node: string | null;
}

/** What this program runs on. */
export function thisSystem(): System {
  const { Deno, Bun, process } = globalThis as {
    Deno?: { build: { os: string } };
    Bun?: unknown;
    process?: { platform: string; versions: { node: string } };
  };
  const isNode = Deno === undefined && Bun === undefined;
  return {
    name: String(Deno?.build.os ?? process?.platform).replace("win32", "windows"),
    node: isNode ? String(process?.versions.node) : null,
  };
}

/** Why nothing can be promised there, and what to do; `null` where everything can. */
export function unsupported({ name, node }: System): string | null {
  if (name === "windows") {
    return "Windows can't make a file's name durable, and is not supported: " +
      "run the program on Linux, for example in WSL, in a container, or on the board";
  }
  const [major = 0, minor = 0] = (node ?? "Infinity").split(".").map(Number);
  const isTooOld = major < 20 || major === 20 && minor < 19 || major === 21 ||
    major === 22 && minor < 12;
  if (!isTooOld) return null;
  return `This is Node ${node}, and ministate needs 20.19, 22.12 or later: ` +
    "update Node, or run the program with Deno or Bun";
}

/**
 * Why the module for this runtime, which is loaded at the first `open`, is missing, and what to do.
 *
 * @param error what loading it has thrown
 */
export function missing(error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  return `the module of ministate for this runtime can't be loaded (${why}): if a bundler or a copy of the program ` +
    "left it out, bundle the program into one file, or copy the package as a whole";
}
