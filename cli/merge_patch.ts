/**
 * Applies JSON Merge Patches (RFC 7396) in place. They can't fail.
 *
 * @module
 */

import { setMember } from "../src/format/set_member.ts";
import { childOf, isContainer } from "./json_pointer.ts";

/**
 * Merges a patch. The document takes ownership of the patch's values: the caller must not use them again.
 *
 * @returns the document, which is a new one if it was not an object
 */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isContainer(patch) || Array.isArray(patch)) return patch;
  const target = isContainer(document) && !Array.isArray(document) ? document : {};
  for (const key of Object.keys(patch)) {
    if (patch[key] === null) delete target[key];
    else setMember(target, key, applyMergePatch(childOf(target, key), patch[key]));
  }
  return target;
}
