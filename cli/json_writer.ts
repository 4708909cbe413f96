/**
 * Writes a value as JSON piece by piece, so that no string holds all of it: engines limit those to half a gigabyte.
 *
 * @module
 */

import { type Container, isContainer } from "./json_pointer.ts";

/** About how long the pieces are, in characters. */
const PIECE_SIZE = 64 * 1024;

/** A container that is being written. */
interface Unfinished {
  container: Container;
  /** An object's keys; `null` for an array. */
  keys: string[] | null;
  next: number;
}

/** Yields the text of a JSON value. Put together, the pieces are what `JSON.stringify` would give. */
export function* jsonPieces(root: unknown): Generator<string> {
  // A list, not recursion: generators in generators would take time for each level and each piece.
  const open: Unfinished[] = [];
  let text = "";
  for (let value = root;;) {
    if (isContainer(value)) {
      const keys = Array.isArray(value) ? null : Object.keys(value);
      open.push({ container: value, keys, next: 0 });
      text += keys === null ? "[" : "{";
    } else if (typeof value === "string" && value.length > PIECE_SIZE) {
      yield text;
      yield* stringPieces(value);
      text = "";
    } else text += JSON.stringify(value);
    let top = open.at(-1);
    for (; top !== undefined && isFinished(top); top = open.at(-1)) {
      text += top.keys === null ? "]" : "}";
      open.pop();
    }
    if (text.length >= PIECE_SIZE || top === undefined) {
      yield text;
      text = "";
    }
    if (top === undefined) return;
    const { container, keys } = top;
    if (top.next > 0) text += ",";
    if (keys === null) value = (container as unknown[])[top.next];
    else {
      const key = keys[top.next]!;
      text += `${JSON.stringify(key)}:`;
      value = (container as Record<string, unknown>)[key];
    }
    top.next++;
  }
}

function isFinished({ container, keys, next }: Unfinished): boolean {
  return next >= (keys ?? container as unknown[]).length;
}

function* stringPieces(value: string): Generator<string> {
  yield '"';
  for (let start = 0; start < value.length;) {
    let end = Math.min(start + PIECE_SIZE, value.length);
    // The halves of a pair, written apart, would each become an escape.
    if (end < value.length && isHighSurrogate(value.charCodeAt(end - 1))) end--;
    yield JSON.stringify(value.slice(start, end)).slice(1, -1);
    start = end;
  }
  yield '"';
}

function isHighSurrogate(c: number): boolean {
  return c >= 0xd800 && c <= 0xdbff;
}
