/**
 * Loads a peer's package from where the benchmark installs it.
 *
 * @module
 */

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/**
 * The folder that peers are installed in. Not this one: tools that read all files here would read thousands of
 * foreign ones. Nor below `node_modules`: there Deno doesn't find what a package itself imports.
 */
export const INSTALLED = fileURLToPath(new URL("../../../dist/bench-peers/", import.meta.url));

/** Loads a package. Its types are the caller's: where the project is checked, no peer is installed. */
export function load<T>(name: string): T {
  return createRequire(`${INSTALLED}package.json`)(name);
}
