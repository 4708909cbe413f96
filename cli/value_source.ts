/**
 * Reads the value that `set` is given: from its argument, from a file or from standard input; as JSON, or as text.
 *
 * @module
 */

import { DEPTH_MAX } from "../src/format/format.ts";
import type { Context } from "./context.ts";
import { CommandError, usageError } from "./exit.ts";
import { askToType, readText, type Source, sourceNamed } from "./input.ts";
import { JsonReader } from "./json_reader.ts";
import { JsonTextError } from "./json_text_error.ts";
import { PATCH_SIZE_MAX } from "./patch_stream.ts";

/** How many levels a patch is around the value in it: the list, and the operation. */
const PATCH_DEPTH = 2;

/** How a value is meant. */
export interface ValueOptions {
  /** Whether it is text, which becomes a JSON string. */
  string?: boolean;
  /** Whether the argument itself is the value, whatever it begins with. */
  raw?: boolean;
}

/**
 * Reads a value.
 *
 * @throws {CommandError} `USAGE` for an argument that is refused, `FILE_REFUSED` for the content of a file or of
 * standard input
 * @throws {Interrupted} after an interrupt
 */
export async function readValue(
  context: Context,
  argument: string,
  options: ValueOptions,
): Promise<unknown> {
  const source = options.raw ? null : sourceOf(argument);
  if (source !== null) return await readSource(context, source, options);
  if (options.string) return argument;
  const reader = jsonReader();
  try {
    reader.add(argument);
    return reader.end();
  } catch (error) {
    const hint = /^\s*[[{"]/.test(argument)
      ? ""
      : `; a string needs its own quotes, as in '"on"', or --string`;
    throw usageError(`The value is refused: ${(error as JsonTextError).message}${hint}`);
  }
}

async function readSource(
  context: Context,
  source: Source,
  options: ValueOptions,
): Promise<unknown> {
  askToType(context, source, "the value");
  const interruption = context.terminal.interruption();
  const reader = options.string ? new StringReader() : jsonReader();
  let sizeRead = 0;
  try {
    for await (const { text, size } of readText(context, source, interruption)) {
      sizeRead += size;
      if (sizeRead > PATCH_SIZE_MAX) {
        throw new JsonTextError(`it has more than ${PATCH_SIZE_MAX} bytes: see import`, null);
      }
      reader.add(text);
    }
    return reader.end();
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    const message =
      `The value in "${source.name}" is refused: ${error.message}; nothing was changed`;
    throw new CommandError("FILE_REFUSED", message, error, error.place);
  }
}

/** One that refuses what is too deep for the patch that takes it. */
function jsonReader(): JsonReader {
  return new JsonReader({ depthMax: DEPTH_MAX - PATCH_DEPTH });
}

/** Takes text as it is. */
class StringReader {
  #text = "";

  add(piece: string): void {
    this.#text += piece;
  }

  /** Without the end of the last line, which editors and `echo` add. */
  end(): string {
    return this.#text.replace(/\r?\n$/, "");
  }
}

/** The source that an argument names; `null` when the argument is the value. */
function sourceOf(argument: string): Source | null {
  if (argument === "-") return sourceNamed(argument);
  if (!argument.startsWith("@")) return null;
  if (argument.length === 1 || argument.includes("\0")) {
    throw usageError('"@" must be followed by the path of a file; --raw takes the value as it is');
  }
  return sourceNamed(argument.slice(1));
}
