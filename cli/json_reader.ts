/**
 * Reads one JSON text piece by piece, of any size: no string holds more of it than one value does. What would not be
 * kept exactly is refused, as in src/format/json_input.ts.
 *
 * @module
 */

import { DEPTH_MAX } from "../src/format/format.ts";
import { duplicateKey, inexactNumber, isExact } from "../src/format/json_input.ts";
import { parseExactly } from "../src/format/json_parse.ts";
import { setMember } from "../src/format/set_member.ts";
import type { Container } from "./json_pointer.ts";
import { JsonTextError, type TextPlace } from "./json_text_error.ts";

/**
 * The longest string, in characters of the text. JSON is never longer than the text it was read from, so the line of a
 * snapshot that holds such a string stays below the longest string of every engine, 512 Mi characters.
 */
const STRING_SIZE_MAX = 128 * 1024 * 1024;

/** The longest number, in characters. */
const NUMBER_SIZE_MAX = 4096;

const QUOTE = 0x22, BACKSLASH = 0x5c, SPACE = 0x20;
const LINE_FEED = 0x0a, RETURN = 0x0d, TAB = 0x09;

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const WORDS: Record<string, boolean | null> = { true: true, false: false, null: null };

/** What may come next. */
type Expected =
  | "value"
  | "value or ]"
  | "key"
  | "key or }"
  | "colon"
  | "comma or end"
  | "nothing";

const WANTED: Record<Expected, string> = {
  "value": "a value",
  "value or ]": 'a value or "]"',
  "key": "a key in quotation marks",
  "key or }": 'a key in quotation marks or "}"',
  "colon": '":"',
  "comma or end": '"," or the end of the list or object',
  "nothing": "the end of the file",
};

/** Reads one JSON text. Call {@linkcode JsonReader.add} for each piece, then {@linkcode JsonReader.end}. */
export class JsonReader {
  readonly #stringSizeMax: number;
  readonly #depthMax: number;
  #value: unknown;
  #expected: Expected = "value";
  /** The containers that are open, and the key of the next member of each. */
  readonly #open: Container[] = [];
  readonly #keys: string[] = [];
  /** What is open at the end of a piece: a string, or a number or word. */
  #token: "string" | "word" | null = null;
  #parts: string[] = [];
  #tokenSize = 0;
  /** Whether the string has an escape, and whether the next character belongs to one. */
  #hasEscape = false;
  #isEscaped = false;
  #piece = "";
  #at = 0;
  /** The line, where it begins, and where the piece begins, in characters of the text. */
  #line = 1;
  #lineStart = 0;
  #pieceStart = 0;
  #tokenPlace: TextPlace = { line: 1, column: 1 };

  constructor({ stringSizeMax = STRING_SIZE_MAX, depthMax = DEPTH_MAX } = {}) {
    this.#stringSizeMax = stringSizeMax;
    this.#depthMax = depthMax;
  }

  /**
   * Reads the next piece.
   *
   * @throws {JsonTextError} when it is not JSON, or something in it could not be kept exactly
   */
  add(piece: string): void {
    this.#pieceStart += this.#piece.length;
    this.#piece = piece;
    this.#at = 0;
    while (this.#at < piece.length) {
      if (this.#token === "string") this.#continueString();
      else if (this.#token === "word") this.#continueWord();
      else this.#next();
    }
  }

  /**
   * The value, once the whole text was read.
   *
   * @throws {JsonTextError} when it ends too early
   */
  end(): unknown {
    if (this.#token === "word") this.#endWord();
    if (this.#expected === "nothing") return this.#value;
    if (this.#open.length === 0 && this.#token === null) {
      throw new JsonTextError("it is empty, and JSON is at least one value", null);
    }
    const what = this.#token === null ? "a value" : "a string";
    this.#refuse(`it ends in the middle of ${what}: it was not written or copied to its end`);
  }

  /** Where the next character is. */
  #here(): TextPlace {
    return { line: this.#line, column: this.#pieceStart + this.#at - this.#lineStart + 1 };
  }

  #refuse(reason: string, place = this.#here()): never {
    throw new JsonTextError(reason, place);
  }

  #next(): void {
    const c = this.#piece.charCodeAt(this.#at);
    if (c === SPACE || c === TAB || c === RETURN) this.#at++;
    else if (c === LINE_FEED) {
      this.#at++;
      this.#line++;
      this.#lineStart = this.#pieceStart + this.#at;
    } else if (c === QUOTE) this.#beginString();
    else this.#structure(this.#piece[this.#at]!);
  }

  #structure(c: string): void {
    const expected = this.#expected;
    const isValue = expected === "value" || expected === "value or ]";
    const inObject = !Array.isArray(this.#open.at(-1));
    if (c === "{" && isValue) this.#push({}, "key or }");
    else if (c === "[" && isValue) this.#push([], "value or ]");
    else if (c === ":" && expected === "colon") this.#expected = "value";
    else if (c === "," && expected === "comma or end") {
      this.#expected = inObject ? "key" : "value";
    } else if (c === "}" && inObject && (expected === "comma or end" || expected === "key or }")) {
      this.#pop();
    } else if (
      c === "]" && !inObject && (expected === "comma or end" || expected === "value or ]")
    ) {
      this.#pop();
    } else if (isValue && /[-\w]/.test(c)) return this.#beginToken("word");
    else {
      this.#refuse(`${JSON.stringify(c)} stands where ${WANTED[expected]} is expected`);
    }
    this.#at++;
  }

  #push(container: Container, expected: Expected): void {
    if (this.#open.length >= this.#depthMax) {
      this.#refuse(`it is nested deeper than ${this.#depthMax}, the deepest that is accepted`);
    }
    this.#put(container);
    this.#open.push(container);
    this.#keys.push("");
    this.#expected = expected;
  }

  #pop(): void {
    this.#open.pop();
    this.#keys.pop();
    this.#afterValue();
  }

  #afterValue(): void {
    this.#expected = this.#open.length === 0 ? "nothing" : "comma or end";
  }

  /** Puts a value where the next one belongs. */
  #put(value: unknown): void {
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#value = value;
    else if (Array.isArray(parent)) parent.push(value);
    else setMember(parent, this.#keys.at(-1)!, value);
    this.#afterValue();
  }

  #beginToken(token: "string" | "word"): void {
    this.#token = token;
    this.#tokenPlace = this.#here();
    this.#parts = [];
    this.#tokenSize = 0;
  }

  /** Keeps the part of the token from `start` up to where the reader is. */
  #keep(start: number, sizeMax: number, what: string): void {
    const part = this.#piece.slice(start, this.#at);
    this.#parts.push(part);
    this.#tokenSize += part.length;
    if (this.#tokenSize <= sizeMax) return;
    this.#refuse(
      `a ${what} is longer than ${sizeMax} characters, the longest that is read`,
      this.#tokenPlace,
    );
  }

  #takeToken(): string {
    const text = this.#parts.length === 1 ? this.#parts[0]! : this.#parts.join("");
    this.#parts = [];
    this.#token = null;
    return text;
  }

  #beginString(): void {
    if (
      this.#expected === "colon" || this.#expected === "comma or end" ||
      this.#expected === "nothing"
    ) {
      this.#refuse(`a string stands where ${WANTED[this.#expected]} is expected`);
    }
    this.#beginToken("string");
    this.#hasEscape = false;
    this.#at++;
  }

  #continueString(): void {
    const piece = this.#piece;
    const start = this.#at;
    let at = start;
    for (; at < piece.length; at++) {
      const c = piece.charCodeAt(at);
      if (c < SPACE) {
        this.#at = at;
        this.#refuse("a control character stands in a string: write it as an escape, such as \\n");
      }
      if (this.#isEscaped) this.#isEscaped = false;
      else if (c === BACKSLASH) this.#isEscaped = this.#hasEscape = true;
      else if (c === QUOTE) break;
    }
    this.#at = at;
    this.#keep(start, this.#stringSizeMax, "string");
    if (at === piece.length) return;
    this.#at++;
    this.#endString(this.#takeToken());
  }

  #endString(text: string): void {
    let value = text;
    if (this.#hasEscape) {
      try {
        value = parseExactly(`"${text}"`) as string;
      } catch {
        this.#refuse("a string has an escape that JSON does not know", this.#tokenPlace);
      }
    }
    if (this.#expected !== "key" && this.#expected !== "key or }") return this.#put(value);
    if (Object.hasOwn(this.#open.at(-1)!, value)) {
      const { message } = duplicateKey(value, this.#steps(this.#open.length - 1));
      this.#refuse(message, this.#tokenPlace);
    }
    this.#keys[this.#keys.length - 1] = value;
    this.#expected = "colon";
  }

  #continueWord(): void {
    const start = this.#at;
    while (this.#at < this.#piece.length && /[-+.\w]/.test(this.#piece[this.#at]!)) this.#at++;
    this.#keep(start, NUMBER_SIZE_MAX, "number");
    if (this.#at < this.#piece.length) this.#endWord();
  }

  #endWord(): void {
    const word = this.#takeToken();
    if (Object.hasOwn(WORDS, word)) return this.#put(WORDS[word]);
    const place = this.#tokenPlace;
    if (!NUMBER.test(word)) {
      this.#refuse(
        `${JSON.stringify(word.slice(0, 60))} is not JSON: a string needs quotation marks`,
        place,
      );
    }
    if (!isExact(word)) {
      this.#refuse(inexactNumber(word, this.#steps(this.#open.length)).message, place);
    }
    this.#put(Number(word));
  }

  /** The steps from the root to the member that is being read of the last of so many open containers. */
  #steps(depth: number): (string | number)[] {
    return this.#open.slice(0, depth).map((container, i) =>
      Array.isArray(container)
        ? container.length - (i + 1 < this.#open.length ? 1 : 0)
        : this.#keys[i]!
    );
  }
}
