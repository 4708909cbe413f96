/**
 * `get`, `set` and `remove`: print one value of a state, or change one of the document.
 *
 * @module
 */

import { readAnyState } from "./any_state.ts";
import { type Context, creation, openOrMakeDocument, remark, say, sayJson } from "./context.ts";
import { copyJson } from "../src/format/json.ts";
import { applyPatch, documentMutator, type Patch } from "./document.ts";
import { CommandError, EXIT, interruptedCode, usageError } from "./exit.ts";
import { Interrupted } from "./input.ts";
import { mutatorOf, type MutatorOptions } from "./import_mutator.ts";
import { MISSING, parsePointer, type PatchError, quote, valueAt } from "./json_pointer.ts";
import { refuseLarge } from "./patch_stream.ts";
import { safeLines } from "./text.ts";
import { readValue, type ValueOptions } from "./value_source.ts";

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

/** The options of `set`. */
export interface SetOptions extends ValueOptions {
  /** Whether to create a state in a directory that has none. */
  create?: boolean;
}

/** Sets the value at a pointer: replaces an existing value, or adds a new one. */
export async function set(
  context: Context,
  directory: string,
  pointer: string,
  argument: string,
  options: SetOptions = {},
): Promise<number> {
  const tokens = pointerArgument(pointer);
  let value: unknown;
  try {
    value = await readValue(context, argument, options);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    if (context.json) sayJson(context, { set: false, interrupted: true });
    else remark(context, "Interrupted: nothing was changed");
    return interruptedCode(error.interruption);
  }
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
  const manager = await openOrMakeDocument(context, directory, create, () => {
    // On what a new state would begin with: a change that is refused must not leave an empty one behind.
    tried(documentMutator.initial(), patchFor);
  });
  try {
    // Tried on a copy first, so that a patch that can't be applied is not journaled.
    const { sequence } = await manager.apply(tried(manager.snapshot(), patchFor));
    if (context.json) sayJson(context, { sequence, ...creation(manager) });
    else say(context, `sequence ${sequence}`);
    return EXIT.ok;
  } finally {
    await manager.close();
  }
}

/**
 * The patch for a document, tried on it.
 *
 * @throws {PatchError} when it can't be applied or journaled
 */
function tried(document: unknown, patchFor: (document: unknown) => Patch): Patch {
  const patch = patchFor(document);
  refuseLarge(patch);
  applyPatch(document, copyJson(patch));
  return patch;
}

function pointerArgument(pointer: string): string[] {
  try {
    return parsePointer(pointer);
  } catch (error) {
    throw usageError((error as PatchError).message);
  }
}
