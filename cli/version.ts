/**
 * What `--version` prints. A test compares it with the package's version.
 *
 * @module
 */

import { FORMAT } from "../src/format/format.ts";
import type { Machine } from "./machine.ts";

/** The package's version. */
export const VERSION = "0.1.0";

/** What a report of a fault should say: the versions of the command, of what runs it, and of the format it writes. */
export function versionText({ runtime }: Machine, json: boolean): string {
  if (!json) return `ministate ${VERSION} (${runtime}, format ${FORMAT})`;
  const [name, runtimeVersion] = runtime.split(" ");
  return JSON.stringify({ version: VERSION, runtime: name, runtimeVersion, format: FORMAT });
}
