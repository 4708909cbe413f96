/**
 * The command's own state: one JSON document, changed by JSON Patches and JSON Merge Patches.
 *
 * @module
 */

import { IN_PLACE, type Reducer } from "../src/state/types.ts";
import { applyJsonPatch } from "./json_patch.ts";
import { isContainer, PatchError } from "./json_pointer.ts";
import { applyMergePatch } from "./merge_patch.ts";

/** An RFC 6902 patch (an array) or an RFC 7396 merge patch (an object). */
export type Patch = unknown[] | Record<string, unknown>;

/** The journal's name in a directory that the command creates. */
export const DOCUMENT_JOURNAL = "document.wal.jsonl";

/** What the files of such a directory say about who wrote them. */
export const DOCUMENT_OWNER = { name: "json-document", version: 1 };

/** Applies either kind of patch, in place. On failure the document is unchanged. */
export function applyPatch(document: unknown, patch: unknown): unknown {
  if (Array.isArray(patch)) return applyJsonPatch(document, patch);
  if (isContainer(patch)) return applyMergePatch(document, patch);
  throw new PatchError(
    "a patch must be an array (JSON Patch, RFC 6902) or an object (JSON Merge Patch, RFC 7396)",
  );
}

/**
 * The mutator. It starts with an empty object, so that the first `set` and the first merge patch have a place to go.
 */
export const documentMutator: Reducer<unknown, Patch> & { [IN_PLACE]: true } = {
  // Copying a large document for each patch would take far longer than the patch.
  [IN_PLACE]: true,
  ...DOCUMENT_OWNER,
  initial: () => ({}),
  reduce: applyPatch,
};
