/**
 * `restore`: makes a new state directory that holds exactly what another one held up to an earlier sequence.
 *
 * @module
 */

import { CorruptionError, HistoryGoneError } from "../src/errors.ts";
import type { SequenceSpan } from "../src/format/ranges.ts";
import type { StateDirectory } from "../src/journal/state_directory.ts";
import { type BackupReport, copyPlanned } from "../src/state/backup.ts";
import { planRestore } from "../src/state/restore_plan.ts";
import type { Unrestorable } from "../src/state/restore_ranges.ts";
import { type Context, say, sayJson } from "./context.ts";
import { copyState, refuseState } from "./copy_state.ts";
import { CommandError, EXIT } from "./exit.ts";
import { countText, rangeText, safeText, sizeText } from "./text.ts";

/** What is restored, and where to. */
export interface RestoreOptions {
  sequence: number;
  destination: string;
}

/** Restores any state directory, even while another process writes it. */
export async function restore(
  context: Context,
  directory: string,
  { sequence, destination }: RestoreOptions,
): Promise<number> {
  await refuseState(context, destination);
  const report = await copyState(
    context,
    directory,
    destination,
    (_held, source) => restoreFrom(source, directory, { sequence, destination }),
  );
  if (context.json) sayJson(context, report);
  else {
    const copied = `${countText(report.files, "file")}, ${sizeText(report.size)}`;
    say(context, `${safeText(destination)}  as of sequence ${report.sequence}, ${copied}`);
  }
  return EXIT.ok;
}

async function restoreFrom(
  source: StateDirectory,
  directory: string,
  { sequence, destination }: RestoreOptions,
): Promise<BackupReport> {
  // Decided before anything is created.
  const plan = await planRestore(source.fs, await source.list(), sequence);
  if ("why" in plan) throw refusal(directory, sequence, plan);
  return await copyPlanned(source, destination, plan);
}

function refusal(directory: string, sequence: number, plan: Unrestorable): Error {
  const cannot = `Cannot restore sequence ${sequence} of "${directory}"`;
  if (plan.why === "grouped") {
    const [first, last] = plan.group;
    return new CommandError(
      "REFUSED",
      `${cannot}: ${first} to ${last} were applied as one, all or none (applyAll): ` +
        `restore ${first - 1} or ${last}; nothing was written`,
    );
  }
  const rest = `${possible(plan.ranges)}; nothing was written`;
  if (plan.why === "later") {
    return new CommandError("NOT_FOUND", `${cannot}: it is not there yet: ${rest}`);
  }
  if (plan.why === "gone") {
    return new HistoryGoneError(
      `${cannot}: it is no longer kept; compaction has deleted what leads to it: ${rest}`,
      { path: directory, sequence },
    );
  }
  const { path, offset } = plan;
  const place = offset === null ? "" : ` at offset ${offset}`;
  return new CorruptionError(
    `${cannot}: what leads to it is damaged in "${path}"${place}: ${rest}`,
    {
      path,
      offset: offset ?? undefined,
      sequence,
      lost: { sequenceFirst: sequence, sequenceLast: sequence },
    },
  );
}

function possible(ranges: readonly SequenceSpan[]): string {
  if (ranges.length === 0) return 'nothing can be restored, run "ministate verify"';
  const texts = ranges.map(([first, last]) => rangeText(first, last));
  return `${texts.join(", ")} can be restored`;
}
