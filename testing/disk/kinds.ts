/**
 * What a name of the simulated disk refers to, in the operating system's terms.
 *
 * @module
 */

import type { DirectoryEntry } from "../../src/durable_fs.ts";
import { failure } from "./disk_calls.ts";
import { SimulatedFile } from "./file.ts";
import { SimulatedDirectory, type SimulatedNode } from "./names.ts";

/** The kind of an entry, as reported by listing a directory. */
export function kindOf(node: SimulatedNode): DirectoryEntry["kind"] {
  if (node instanceof SimulatedFile) return "file";
  return node instanceof SimulatedDirectory ? "directory" : "other";
}

/** Accepts a regular file; anything else is refused in the same way as opening it. */
export function refuseIrregular(node: SimulatedNode, path: string): SimulatedFile {
  if (node instanceof SimulatedFile) return node;
  if (node instanceof SimulatedDirectory) throw failure("EISDIR", "open", path);
  throw failure(node.kind === "link" ? "ELOOP" : "EINVAL", "open", path);
}
