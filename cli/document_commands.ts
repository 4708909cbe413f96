/**
 * `get`, `set` and `remove`: print one value of a state, or change one of the document.
 *
 * @module
 */

import { readAnyState } from "./any_state.ts";
import { type Context, creation, openOrMakeDocument, say, sayJson } from "./context.ts";
import { copyJson } from "../src/format/json.ts";
import { InexactJsonError, readJson } from "../src/format/json_input.ts";
import { applyPatch, type Patch } from "./document.ts";
import { CommandError, EXIT, usageError } from "./exit.ts";
import { mutatorOf, type MutatorOptions } from "./import_mutator.ts";
import { MISSING, parsePointer, type PatchError, quote, valueAt } from "./json_pointer.ts";
import { safeLines } from "./text.ts";

/** The options of `get`. */
export interface GetOptions extends MutatorOptions {
  /** Whether to print a string without its quotes. */
  raw?: boolean;
}

/** Prints the value at a pointer, of the document or of any program's state. */
export async function get(
  context: Context,
  directory: string,
  pointer = "",
  options: GetOptions = {},
): Promise<number> {
  const tokens = pointerArgument(pointer);
  const mutator = await mutatorOf(context, directory, options);
  const { state } = await readAnyState(context, directory, mutator);
  const value = valueAt(state, tokens);
  if (value === MISSING) {
    throw new CommandError("NOT_FOUND", `There is nothing at ${quote(pointer)} in "${directory}"`);
  }
  if (context.json) sayJson(context, value);
  else if (options.raw && typeof value === "string") say(context, value);
  else say(context, safeLines(JSON.stringify(value, null, 2)));
  return EXIT.ok;
}

/** Sets the value at a pointer: replaces an existing value, or adds a new one. */
export async function set(
  context: Context,
  directory: string,
  pointer: string,
  json: string,
  options: { create?: boolean } = {},
): Promise<number> {
  const tokens = pointerArgument(pointer);
  const value = jsonArgument(json);
  return await change(context, directory, options.create !== false, (document) => {
    const op = valueAt(document, tokens) === MISSING ? "add" : "replace";
    return [{ op, path: pointer, value }];
  });
}

/** Removes the value at a pointer. */
export async function remove(
  context: Context,
  directory: string,
  pointer: string,
): Promise<number> {
  pointerArgument(pointer);
  return await change(context, directory, false, () => [{ op: "remove", path: pointer }]);
}

async function change(
  context: Context,
  directory: string,
  create: boolean,
  patchFor: (document: unknown) => Patch,
): Promise<number> {
  const manager = await openOrMakeDocument(context, directory, create);
  try {
    const document = manager.snapshot();
    const patch = patchFor(document);
    // Tried on a copy first, so that a patch that can't be applied is not journaled.
    applyPatch(document, copyJson(patch));
    const { sequence } = await manager.apply(patch);
    if (context.json) sayJson(context, { sequence, ...creation(manager) });
    else say(context, `sequence ${sequence}`);
    return EXIT.ok;
  } finally {
    await manager.close();
  }
}

function pointerArgument(pointer: string): string[] {
  try {
    return parsePointer(pointer);
  } catch (error) {
    throw usageError((error as PatchError).message);
  }
}

function jsonArgument(text: string): unknown {
  try {
    return readJson(text);
  } catch (error) {
    if (error instanceof InexactJsonError) {
      throw usageError(`The value is refused: ${error.message}`);
    }
    throw usageError(
      `The value is not JSON: ${
        (error as Error).message
      }: a string needs its own quotes, as in '"on"'`,
    );
  }
}
