/**
 * Which runtime runs the command.
 *
 * @module
 */

import process from "node:process";

/**
 * The runtimes by their keys in `process.versions`. Bun and Deno also list the version of Node they are compatible
 * with.
 */
const RUNTIMES = [["bun", "Bun"], ["deno", "Deno"], ["node", "Node"]] as const;

/** The runtime's name and its version. */
export function thisRuntime(): { name: "Bun" | "Deno" | "Node"; version: string } {
  const [key, name] = RUNTIMES.find(([key]) => process.versions[key])!;
  return { name, version: process.versions[key]! };
}
