/**
 * `verify --mutator`: whether a program would still make the same state of the mutations that are kept.
 *
 * @module
 */

import { shortText } from "../src/format/difference.ts";
import { messageOf } from "../src/failures.ts";
import type { Mutator, Reducer } from "../src/state/types.ts";
import { StateMachine } from "../src/state/state_machine.ts";
import { verifyDirectory } from "../src/state/verify_files.ts";
import type { HistoryDifference, VerifyReport } from "../src/state/verify_report.ts";
import { type Context, journalNameIn, say, sayJson } from "./context.ts";
import { CommandError, describeError, EXIT } from "./exit.ts";
import { countText, type Paint, safeText } from "./text.ts";

type AnyMutator = Mutator<unknown, unknown> | Reducer<unknown, unknown>;

/** Prints whether the program in a file agrees with what a directory keeps. */
export async function verifyProgram(
  context: Context,
  directory: string,
  file: string,
  exported: string,
): Promise<number> {
  const name = await journalNameIn(context, directory);
  const mutator = await importMutator(context, file, exported);
  const report = await verifyDirectory(context.fs, directory, name, mutator);
  const { difference } = report;
  if (context.json) {
    sayJson(context, {
      directory,
      ...report,
      difference: difference === null ? null : forPrograms(difference),
    });
  } else {
    for (const line of reportLines(report, context.paint)) say(context, line);
  }
  return difference === null ? EXIT.ok : EXIT.incomplete;
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

/** A difference as JSON can hold it. */
function forPrograms(difference: HistoryDifference): unknown {
  const { cause } = difference;
  return {
    ...difference,
    ..."found" in difference ? { found: asJson(difference.found) } : {},
    cause: cause === null ? null : describeError(cause),
  };
}

/** What the program gives need not be JSON, which may be the difference. */
function asJson(value: unknown): unknown {
  try {
    return JSON.stringify(value) === undefined ? shortText(value) : value;
  } catch {
    return shortText(value);
  }
}

function reportLines(report: VerifyReport, paint: Paint): string[] {
  const { from, to, snapshots, skipped, difference } = report;
  const start = from === 0 ? "the beginning" : `the snapshot of sequence ${from}`;
  const done = `${countText(to - from, "mutation")} replayed from ${start}, ${
    countText(snapshots, "snapshot")
  } compared, up to sequence ${to}`;
  const lines = skipped.map(({ path, reason }) =>
    `${paint.dim("not compared")}  ${safeText(path)}: ${safeText(reason)}`
  );
  if (difference === null) return [...lines, `${paint.green("the same")}: ${done}`];
  return [...lines, `${paint.red("different")}: ${safeText(difference.message)}`, done];
}
