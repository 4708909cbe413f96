/**
 * Parses JSON exactly, where V8's `JSON.parse` does not. Nothing else may call `JSON.parse` (scripts/tidy.ts).
 *
 * Once V8 has seen an object with a key that ends in a backslash, it can read another key as that one, if an escape
 * such as `
 * ` stands where the backslash is (nodejs/node#63785; V8 13.6 to 15.0 at least: Node and Deno, not Bun). The state
 * would then differ from what was acknowledged. Such keys are rare, so they are read under temporary names.
 *
 * @module
 */

import { setMember } from "./set_member.ts";

const SPACE = 0x20, LINE_FEED = 0x0a, RETURN = 0x0d, TAB = 0x09;

/**
 * Parses any JSON. For JSON written by a person or another program, use json_input.ts, which finds what would be lost.
 *
 * @throws {SyntaxError} when it is not JSON
 */
export function parseExactly(text: string): unknown {
  if (!text.includes("\\")) return JSON.parse(text);
  const escaped = findEscapedKeys(text);
  if (escaped.length === 0) return JSON.parse(text);
  const mark = freeMark(text);
  let renamed = "";
  let done = 0;
  const keys = escaped.map(({ start, end }, i) => {
    renamed += `${text.slice(done, start)}"${mark}${i}"`;
    done = end;
    // A string that is a value is always read correctly.
    return JSON.parse(text.slice(start, end)) as string;
  });
  return withKeys(JSON.parse(renamed + text.slice(done)), mark, keys);
}

/** Parses JSON; `undefined` for invalid JSON (a mutation is never `undefined`). */
export function parseJson(text: string): unknown {
  try {
    return parseExactly(text);
  } catch {
    return undefined;
  }
}

/**
 * A prefix that no string in the text has. All prefixes in use are collected in one pass: trying one after another took
 * hours for a string of a mebibyte that begins with all of them.
 */
function freeMark(text: string): string {
  const taken = new Set<string>();
  for (const [, number] of text.matchAll(/"_(\d{1,9})_/g)) taken.add(number!);
  let free = 0;
  while (taken.has(String(free))) free++;
  return `_${free}_`;
}

/** Finds keys with an escape in them, quotation marks included. A regular expression would overflow on long strings. */
function findEscapedKeys(text: string): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  let backslash = text.indexOf("\\");
  for (let start = text.indexOf('"'); start >= 0;) {
    const end = endOfString(text, start);
    if (end < 0) break;
    if (backslash >= 0 && backslash < start) backslash = text.indexOf("\\", start);
    // There are no escapes from here on, so no such keys either.
    if (backslash < 0) break;
    if (backslash < end && text[skipWhiteSpace(text, end)] === ":") found.push({ start, end });
    start = text.indexOf('"', end);
  }
  return found;
}

/** The end of the white space that begins at `at`; `at` itself when there is none. */
export function skipWhiteSpace(text: string, at: number): number {
  for (;; at++) {
    const c = text.charCodeAt(at);
    if (c !== SPACE && c !== LINE_FEED && c !== RETURN && c !== TAB) return at;
  }
}

/** The position after the closing quotation mark of the string that begins at `start`; -1 when it has none. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (text[before - 1] === "\\") before--;
    // An even number of backslashes escape each other, so the quotation mark is not escaped.
    if ((end - before) % 2 === 0) return end + 1;
  }
  return -1;
}

/** Uses a list, not recursion: a value may be nested deeper than the call stack allows. */
function withKeys(value: unknown, mark: string, keys: string[]): unknown {
  const root = [value];
  const todo: object[] = [root];
  const renamed = (child: unknown): unknown => {
    if (typeof child !== "object" || child === null) return child;
    const restored = Array.isArray(child) ? child : withOwnKeys(child, mark, keys);
    todo.push(restored);
    return restored;
  };
  for (let next; (next = todo.pop()) !== undefined;) {
    if (Array.isArray(next)) {
      for (let i = 0; i < next.length; i++) next[i] = renamed(next[i]);
    } else {
      const members = next as Record<string, unknown>;
      for (const key of Object.keys(members)) setMember(members, key, renamed(members[key]));
    }
  }
  return root[0];
}

function withOwnKeys(object: object, mark: string, keys: string[]): object {
  if (!Object.keys(object).some((key) => key.startsWith(mark))) return object;
  // Built from entries: the order stays, and a key such as "__proto__" stays a key.
  return Object.fromEntries(
    Object.entries(object).map(([key, member]) => [
      key.startsWith(mark) ? keys[Number(key.slice(mark.length))]! : key,
      member,
    ]),
  );
}
