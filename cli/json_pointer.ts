/**
 * JSON Pointers (RFC 6901). Reads and writes single steps of a path without ever reaching a prototype.
 *
 * @module
 */

/** A JSON object or array. */
export type Container = Record<string, unknown> | unknown[];

/** Stands for "nothing there". No JSON value can be confused with it. */
export const MISSING: unique symbol = Symbol("missing");

/** A pointer that is invalid or leads nowhere, or a patch that can't be applied. */
export class PatchError extends Error {}

/**
 * Splits a pointer into its tokens. The empty pointer means the whole document and has none.
 *
 * @throws {PatchError} when it is not a pointer
 */
export function parsePointer(pointer: string): string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) {
    throw new PatchError(
      `${quote(pointer)} is not a JSON Pointer: it must be empty or begin with "/"`,
    );
  }
  if (/~(?![01])/.test(pointer)) {
    throw new PatchError(
      `${quote(pointer)} is not a JSON Pointer: write "~" as "~0" and "/" in a name as "~1"`,
    );
  }
  // In this order: "~01" stands for "~1", not for "/".
  return pointer.slice(1).split("/").map((token) =>
    token.replaceAll("~1", "/").replaceAll("~0", "~")
  );
}

/** Whether a value has members or items. */
export function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null;
}

/** The array position that a token denotes: digits without a leading zero, below `end`; otherwise -1. */
export function arrayIndex(token: string, end: number): number {
  if (!/^(0|[1-9]\d*)$/.test(token)) return -1;
  const index = Number(token);
  return index < end ? index : -1;
}

/** The value one step down, or `MISSING`. */
export function childOf(value: unknown, token: string): unknown {
  if (Array.isArray(value)) {
    const index = arrayIndex(token, value.length);
    return index < 0 ? MISSING : value[index];
  }
  if (!isContainer(value) || !Object.hasOwn(value, token)) return MISSING;
  return (value as Record<string, unknown>)[token];
}

/** The value at the end of a path, or `MISSING`. */
export function valueAt(document: unknown, tokens: readonly string[]): unknown {
  let value = document;
  for (const token of tokens) {
    value = childOf(value, token);
    if (value === MISSING) return MISSING;
  }
  return value;
}

/** A quoted string, short enough for a message. */
export function quote(text: string): string {
  return JSON.stringify(excerptOf(text));
}

/** Any value as JSON, short enough for a message. */
export function brief(value: unknown): string {
  return excerptOf(JSON.stringify(value) ?? "nothing");
}

function excerptOf(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
