/**
 * Applies patches line by line, with only as many in progress as group commit can use.
 *
 * @module
 */

import { MinistateError } from "../src/errors.ts";
import { isDiskFull } from "../src/failures.ts";
import { describeFlaw, findJsonFlaw } from "../src/format/json.ts";
import { InexactJsonError, readJson } from "../src/format/json_input.ts";
import { parseExactly } from "../src/format/json_parse.ts";
import type { DocumentManager } from "./context.ts";
import { applyPatch, type Patch } from "./document.ts";
import { isContainer, PatchError } from "./json_pointer.ts";
import type { InputLine } from "./lines.ts";

/** The most lines, and the most bytes of them, that may wait for the disk. */
const WAITING_MAX = 1024;
const WAITING_SIZE_MAX = 1024 * 1024;

/** The longest line that is accepted, in bytes: the longest mutation that the journal accepts. */
export const PATCH_SIZE_MAX = 1024 * 1024;

/** A shorter line stays under the limit however its numbers are written: `1e20` becomes 21 digits. */
const SURELY_FITS = PATCH_SIZE_MAX / 8;

/** The most that a line needs besides its patch. */
const RECORD_OVERHEAD = 128;

/** Callbacks for the lines of a stream. */
export interface PatchEvents {
  /** A line is durable. Called in the order of the lines. */
  acknowledged(sequence: number): void;
  /** A line was refused; nothing of it was applied or journaled. */
  refused(line: number, reason: string): void;
  /** The journal did not take these lines, and the run ends. Called once for all that follow each other. */
  notTaken(lines: LineRange): void;
}

/** Lines that the journal did not take, all for the same reason. */
export interface LineRange {
  first: number;
  last: number;
  /** The code of the error. */
  code: string;
}

/** Applies a stream of patches to one document. */
export class PatchStream {
  readonly #manager: DocumentManager;
  readonly #events: PatchEvents;
  readonly #waiting: { done: Promise<void>; size: number }[] = [];
  #waitingSize = 0;
  /**
   * The document as it will be once every line in progress is applied. The next JSON Patch is tried on it, so that one
   * that fails is never journaled. Created when the first JSON Patch comes; merge patches can't fail.
   */
  #ahead: { document: unknown } | null = null;
  #failure: { error: unknown } | null = null;
  /** The lines that failed and were not reported yet. A later one may have been taken, if space was freed in between. */
  #failed: LineRange[] = [];
  acknowledged = 0;
  refused = 0;
  /** The last sequence known to be durable. */
  sequence: number;

  constructor(manager: DocumentManager, events: PatchEvents) {
    this.#manager = manager;
    this.#events = events;
    this.sequence = manager.sequence;
  }

  /**
   * Accepts one line; resolves when there is room for the next.
   *
   * @throws {MinistateError} when the journal can't continue: nothing after that is accepted
   */
  async add(line: InputLine): Promise<void> {
    if (line.flaw === null && line.text.trim() === "") return;
    while (this.#isFull()) await this.#oldest();
    let patch: Patch;
    try {
      patch = readPatch(line);
      if (Array.isArray(patch)) await this.#lookAhead();
      // Parsed again: the document takes ownership of the values, and the patch is journaled as it came.
      if (this.#ahead !== null) {
        this.#ahead.document = applyPatch(this.#ahead.document, parseExactly(line.text));
      }
    } catch (error) {
      if (!(error instanceof PatchError)) throw error;
      this.#refuse(line.number, error.message);
      return;
    }
    this.#submit(patch, line);
  }

  #isFull(): boolean {
    return this.#waiting.length >= WAITING_MAX || this.#waitingSize > WAITING_SIZE_MAX;
  }

  async #lookAhead(): Promise<void> {
    if (this.#ahead !== null) return;
    await this.settled();
    this.#ahead = { document: this.#manager.snapshot() };
  }

  #submit(patch: Patch, line: InputLine): void {
    const done = this.#manager.apply(patch).then(
      ({ sequence }) => {
        this.acknowledged++;
        this.sequence = sequence;
        this.#events.acknowledged(sequence);
      },
      (error) => {
        if (!isFatal(error)) return this.#refuse(line.number, (error as Error).message);
        this.#failure ??= { error };
        this.#fail(line.number, (error as { code?: string }).code ?? "failed");
      },
    );
    this.#waiting.push({ done, size: line.size });
    this.#waitingSize += line.size;
  }

  #refuse(line: number, reason: string): void {
    this.refused++;
    this.#events.refused(line, reason);
  }

  #fail(line: number, code: string): void {
    this.refused++;
    const newest = this.#failed.at(-1);
    if (newest?.last === line - 1 && newest.code === code) newest.last = line;
    else this.#failed.push({ first: line, last: line, code });
  }

  async #oldest(): Promise<void> {
    const oldest = this.#waiting.shift()!;
    this.#waitingSize -= oldest.size;
    await oldest.done;
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Waits for every line in progress, and reports those that the journal did not take. */
  async settled(): Promise<void> {
    for (const { done } of this.#waiting.splice(0)) await done;
    this.#waitingSize = 0;
    for (const lines of this.#failed.splice(0)) this.#events.notTaken(lines);
    if (this.#failure !== null) throw this.#failure.error;
  }
}

/** Whether an error ends the run: any error that isn't about a single line. */
function isFatal(error: unknown): boolean {
  if (isDiskFull(error) || !(error instanceof MinistateError)) return true;
  return !["REJECTED", "INVALID_MUTATION", "TOO_LARGE"].includes(error.code);
}

/** Reads a line as far as possible without the document. */
function readPatch(line: InputLine): Patch {
  if (line.flaw !== null) throw new PatchError(line.flaw);
  let value: unknown;
  try {
    value = readJson(line.text);
  } catch (error) {
    if (error instanceof InexactJsonError) throw new PatchError(error.message);
    throw new PatchError(`it is not JSON: ${(error as Error).message}`);
  }
  if (!isContainer(value)) {
    throw new PatchError(
      "it must be an array (JSON Patch, RFC 6902) or an object (JSON Merge Patch, RFC 7396)",
    );
  }
  // Judged like the journal does, but before the document ahead is changed.
  const flaw = findJsonFlaw(value);
  if (flaw !== null) throw new PatchError(describeFlaw(flaw));
  if (line.size > SURELY_FITS) refuseLarge(value);
  return value;
}

/**
 * Refuses a patch that is too large for one record.
 *
 * @throws {PatchError} when it is
 */
export function refuseLarge(patch: Patch): void {
  const size = new TextEncoder().encode(JSON.stringify(patch)).length + RECORD_OVERHEAD;
  if (size > PATCH_SIZE_MAX) {
    throw new PatchError(`its record would have ${size} bytes, and ${PATCH_SIZE_MAX} are allowed`);
  }
}
