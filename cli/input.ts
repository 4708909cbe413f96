/**
 * Reads what a command is given in a file or on standard input, as text.
 *
 * @module
 */

import { ioError } from "../src/failures.ts";
import { type Context, remark } from "./context.ts";
import { JsonTextError } from "./json_text_error.ts";

/** Where input comes from. */
export interface Source {
  /** The file; `null` for standard input. */
  path: string | null;
  /** What messages call it. */
  name: string;
}

/** Ends the work after Ctrl-C. */
export class Interrupted extends Error {
  /** What ended it. */
  readonly interruption: AbortSignal;

  /** Makes the error. */
  constructor(interruption: AbortSignal) {
    super();
    this.interruption = interruption;
  }
}

/** The source that an argument names: a file, or standard input by "-". */
export function sourceNamed(file: string): Source {
  return file === "-" ? { path: null, name: "standard input" } : { path: file, name: file };
}

/** Tells a person who is asked to type what to type, and how to end it. */
export function askToType(context: Context, { path }: Source, what: string): void {
  if (path !== null || !context.terminal.stdinIsTerminal) return;
  remark(context, `Type ${what}; end with Ctrl-D`);
}

/** A piece of the text, and how many bytes it was. */
export interface Piece {
  text: string;
  size: number;
}

/**
 * The text of a source, piece by piece.
 *
 * @throws {Interrupted} after an interrupt
 * @throws {JsonTextError} when it is not UTF-8
 * @throws {MinistateError} when it can't be read
 */
export async function* readText(
  context: Context,
  { path, name }: Source,
  interruption: AbortSignal,
): AsyncGenerator<Piece, void, void> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let offset = 0;
  try {
    for await (const chunk of context.terminal.read(path, interruption)) {
      yield { text: decode(decoder, chunk, offset), size: chunk.length };
      offset += chunk.length;
    }
  } catch (error) {
    throw error instanceof JsonTextError ? error : ioError("read", name, error);
  }
  if (interruption.aborted) throw new Interrupted(interruption);
  yield { text: decode(decoder, null, offset), size: 0 };
}

/** @param chunk the next bytes; `null` at the end, which must not be in the middle of a character */
function decode(decoder: TextDecoder, chunk: Uint8Array | null, offset: number): string {
  try {
    return chunk === null ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    throw new JsonTextError(`it is not UTF-8, at or soon after byte ${offset}`, null);
  }
}
