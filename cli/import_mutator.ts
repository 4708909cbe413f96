/**
 * Imports the mutator of a program, for commands that replay its mutations.
 *
 * @module
 */

import { messageOf } from "../src/failures.ts";
import type { Mutator, Reducer } from "../src/state/types.ts";
import { StateMachine } from "../src/state/state_machine.ts";
import { type Context, journalNameIn } from "./context.ts";
import { CommandError, usageError } from "./exit.ts";

/** A mutator of either form, of whatever state. */
export type AnyMutator = Mutator<unknown, unknown> | Reducer<unknown, unknown>;

/** The options that name a mutator. */
export interface MutatorOptions {
  /** A module to import a mutator from. */
  mutator?: string;
  /** Which of its exports. @default "default" */
  export?: string;
}

/**
 * The mutator that the options name for a directory; `null` when they name none. Without a state there, nothing is
 * imported.
 *
 * @throws {CommandError} `NO_STATE` when there is no state; `NO_MUTATOR` when the module has no mutator
 */
export async function mutatorOf(
  context: Context,
  directory: string,
  { mutator, export: exported }: MutatorOptions,
): Promise<AnyMutator | null> {
  if (mutator !== undefined) {
    await journalNameIn(context, directory);
    return await importMutator(context, mutator, exported ?? "default");
  }
  if (exported !== undefined) throw usageError("--export needs --mutator: which module has it?");
  return null;
}

/**
 * Imports the mutator of a program.
 *
 * @throws {CommandError} `NO_MUTATOR` when the file can't be imported, or doesn't export one
 */
async function importMutator(
  { machine }: Context,
  file: string,
  exported: string,
): Promise<AnyMutator> {
  let module: Record<string, unknown>;
  try {
    module = await machine.load(file);
  } catch (error) {
    throw noMutator(`Cannot import "${file}" with ${machine.runtime}: ${messageOf(error)}`, error);
  }
  if (!Object.hasOwn(module, exported)) {
    const others = Object.keys(module);
    const names = others.length === 0 ? "nothing" : others.join(", ");
    throw noMutator(
      `"${file}" has no export "${exported}": it exports ${names}; name the mutator with --export`,
    );
  }
  const value = module[exported];
  try {
    const mutator = (typeof value === "function" ? await value() : value) as AnyMutator;
    // Checks it, and its initial state.
    new StateMachine(mutator);
    return mutator;
  } catch (error) {
    throw noMutator(
      `The export "${exported}" of "${file}" is neither a mutator nor a function that makes one: ${
        messageOf(error)
      }`,
      error,
    );
  }
}

function noMutator(message: string, cause?: unknown): CommandError {
  return new CommandError("NO_MUTATOR", message, cause);
}
