/**
 * `verify --mutator`: whether a program would still make the same state of the mutations that are kept.
 *
 * @module
 */

import { shortText } from "../src/format/difference.ts";
import { verifyDirectory } from "../src/state/verify_files.ts";
import type { HistoryDifference, VerifyReport } from "../src/state/verify_report.ts";
import { type Context, journalNameIn, say, sayJson } from "./context.ts";
import { describeError, EXIT } from "./exit.ts";
import type { AnyMutator } from "./import_mutator.ts";
import { countText, type Paint, safeText } from "./text.ts";

/** Prints whether a program agrees with what a directory keeps. */
export async function verifyProgram(
  context: Context,
  directory: string,
  mutator: AnyMutator,
): Promise<number> {
  const name = await journalNameIn(context, directory);
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
