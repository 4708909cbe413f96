/**
 * Turns a caller's mutation into the JSON to be journaled, or refuses it before anything is written.
 *
 * @module
 */

import { InvalidMutationError, TooLargeError } from "../errors.ts";
import { messageOf } from "../failures.ts";
import { encodeBatchEnd } from "./batch_end.ts";
import { BATCH_SIZE_MAX, BATCH_TAIL_SIZE, NOTES_SIZE_MAX, SEQUENCE_MAX } from "./format.ts";
import { describeFlaw, findJsonFlaw } from "./json.ts";

/** The most that a line needs besides its mutation, in bytes: it is the last line of a batch, and all numbers are long. */
const LINE_OVERHEAD = `[${SEQUENCE_MAX},`.length + BATCH_TAIL_SIZE +
  encodeBatchEnd(SEQUENCE_MAX, Number.MIN_SAFE_INTEGER).length;

/** The largest group, in bytes. It is a batch of its own, and that has notes as well. */
const GROUP_SIZE_MAX = BATCH_SIZE_MAX - NOTES_SIZE_MAX;

/**
 * Checks a mutation and returns its JSON.
 *
 * @throws {InvalidMutationError} when it is not JSON
 * @throws {TooLargeError} when its record would be too large
 */
export function encodeMutation(mutation: unknown, recordSizeMax: number): string {
  const text = encodeJson(mutation);
  // A UTF-16 code unit takes at most three bytes, so short texts need no exact count.
  if (
    text.length * 3 + LINE_OVERHEAD > recordSizeMax &&
    sizeOf(text) + LINE_OVERHEAD > recordSizeMax
  ) {
    throw new TooLargeError(
      `The mutation takes ${
        sizeOf(text)
      } bytes and a record may have ${recordSizeMax}: it was not journaled: ` +
        "split it, or raise recordSizeMax",
      { operation: "apply" },
    );
  }
  return text;
}

function encodeJson(mutation: unknown): string {
  try {
    const flaw = findJsonFlaw(mutation);
    if (flaw === null) return JSON.stringify(mutation);
    throw invalid(describeFlaw(flaw));
  } catch (error) {
    // Anything else was thrown by one of the caller's getters.
    throw error instanceof InvalidMutationError ? error : invalid(messageOf(error), error);
  }
}

function invalid(reason: string, cause?: unknown): InvalidMutationError {
  return new InvalidMutationError(
    `The mutation is not JSON: ${reason}; it was not journaled: pass only null, booleans, finite numbers, ` +
      "strings, arrays and plain objects without undefined",
    { operation: "apply", cause },
  );
}

/**
 * Checks that a group fits in one batch and returns its approximate size in bytes.
 *
 * @throws {TooLargeError} when it doesn't fit
 */
export function checkGroupSize(texts: readonly string[]): number {
  let size = 0;
  for (const text of texts) size += text.length + LINE_OVERHEAD;
  if (size * 3 <= GROUP_SIZE_MAX) return size;
  size = texts.reduce((sum, text) => sum + sizeOf(text) + LINE_OVERHEAD, 0);
  if (size <= GROUP_SIZE_MAX) return size;
  throw new TooLargeError(
    `The group takes ${size} bytes and an atomic group may have ${GROUP_SIZE_MAX}: none of it was journaled: split it`,
    { operation: "apply" },
  );
}

/** The size of a text in UTF-8, in bytes. */
function sizeOf(text: string): number {
  let size = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A surrogate pair takes four bytes: two for each half.
    if (unit > 0x7f) size += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return size;
}

/**
 * Checks that there are sequences left. Only a hostile file brings a journal here: a record numbered beyond the last
 * one could not be read again.
 *
 * @param sequence the last sequence so far
 * @param count how many more are needed
 * @throws {TooLargeError} when there are not so many
 */
export function checkSequences(sequence: number, count: number): void {
  if (sequence + count <= SEQUENCE_MAX) return;
  throw new TooLargeError(
    `The journal is at sequence ${sequence}, and the last one is ${SEQUENCE_MAX}: nothing was journaled; ` +
      "begin a new directory with the current state",
    { sequence, operation: "apply" },
  );
}
