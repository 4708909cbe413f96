/**
 * Reads JSON written by a person or another program, and refuses anything that would not be kept exactly: numbers that
 * a double can't hold, and duplicate keys in an object.
 *
 * @module
 */

import { endOfString, parseExactly, skipWhiteSpace } from "./json_parse.ts";

/** JSON that would lose something. The message says what, where, and what to write instead. */
export class InexactJsonError extends Error {}

/** An object or array being read: an object's keys so far, and the step to the member being read. */
interface Level {
  /** `null` for an array. */
  keys: Set<string> | null;
  step: string | number;
}

/** A number this short, without an exponent, always survives unchanged. */
const SURELY_EXACT = 15;

/** How much of a key or number is shown in a message, in characters. */
const SHOWN_MAX = 60;

const QUOTE = 0x22, COMMA = 0x2c, MINUS = 0x2d, ZERO = 0x30, NINE = 0x39;
const BRACKET_OPEN = 0x5b, BRACKET_CLOSE = 0x5d, BRACE_OPEN = 0x7b, BRACE_CLOSE = 0x7d;

/**
 * Reads JSON.
 *
 * @throws {SyntaxError} when it is not JSON
 * @throws {InexactJsonError} when something would be lost
 */
export function readJson(text: string): unknown {
  const value = parseExactly(text);
  // From here on the text is known to be valid JSON, so there is little left to check.
  const levels: Level[] = [];
  for (let at = 0; at < text.length;) {
    const c = text.charCodeAt(at);
    if (c === QUOTE) at = readString(text, at, levels);
    else if (c === MINUS || c >= ZERO && c <= NINE) at = readNumber(text, at, levels);
    else {
      at++;
      const level = levels[levels.length - 1];
      if (c === BRACE_OPEN) levels.push({ keys: new Set(), step: "" });
      else if (c === BRACKET_OPEN) levels.push({ keys: null, step: 0 });
      else if (c === BRACE_CLOSE || c === BRACKET_CLOSE) levels.pop();
      else if (c === COMMA && typeof level!.step === "number") level!.step++;
    }
  }
  return value;
}

/** Reads a string or a key; returns the position after it, and after the colon of a key. */
function readString(text: string, start: number, levels: Level[]): number {
  const end = endOfString(text, start);
  const colon = skipWhiteSpace(text, end);
  if (text[colon] !== ":") return end;
  const level = levels[levels.length - 1]!;
  const literal = text.slice(start, end);
  const key = literal.includes("\\") ? parseExactly(literal) as string : literal.slice(1, -1);
  if (level.keys!.has(key)) throw duplicateKey(key, stepsOf(levels.slice(0, -1)));
  level.keys!.add(key);
  level.step = key;
  return colon + 1;
}

/** Reads a number; returns where it ends. */
function readNumber(text: string, start: number, levels: Level[]): number {
  let end = start + 1;
  while (end < text.length && "0123456789+-.eE".includes(text[end]!)) end++;
  const literal = text.slice(start, end);
  if (isExact(literal)) return end;
  throw inexactNumber(literal, stepsOf(levels));
}

function stepsOf(levels: readonly Level[]): Steps {
  return levels.map(({ step }) => step);
}

/** The keys and positions that lead to a place. */
type Steps = readonly (string | number)[];

/** The error for a key that an object at `steps` has twice. */
export function duplicateKey(key: string, steps: Steps): InexactJsonError {
  return new InexactJsonError(
    `the key ${shown(JSON.stringify(key))} occurs twice in one object${
      placeOf(steps)
    }, and only one of the two could be kept: remove or rename the other`,
  );
}

/** The error for a number at `steps` that a double can't hold. */
export function inexactNumber(literal: string, steps: Steps): InexactJsonError {
  const value = Number(literal);
  const instead = Number.isFinite(value) ? `, or accept ${value}` : "";
  return new InexactJsonError(
    `the number ${shown(literal)}${placeOf(steps)} can't be held exactly: write it as a string, ${
      shown(`"${literal}`)
    }"${instead}`,
  );
}

/** Whether a number keeps its decimal value when it is read and written again. */
export function isExact(literal: string): boolean {
  if (literal.length <= SURELY_EXACT && !/e/i.test(literal)) return true;
  const value = Number(literal);
  return Number.isFinite(value) && decimalOf(literal) === decimalOf(String(value));
}

/** The significant digits and their exponent, so that `1.50` and `15e-1` are equal. */
function decimalOf(literal: string): string {
  const [, whole, fraction = "", exponent = "0"] = /^-?(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i
    .exec(literal)!;
  const digits = whole! + fraction;
  let start = 0;
  while (digits[start] === "0") start++;
  let end = digits.length;
  while (end > start && digits[end - 1] === "0") end--;
  if (start === end) return "0";
  return `${digits.slice(start, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}

/** The place as a JSON Pointer, as part of a message; empty for the whole text. */
function placeOf(steps: Steps): string {
  if (steps.length === 0) return "";
  const tokens = steps.map((step) => String(step).replaceAll("~", "~0").replaceAll("/", "~1"));
  return ` at ${JSON.stringify(shown(`/${tokens.join("/")}`))}`;
}

function shown(text: string): string {
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}...`;
}
