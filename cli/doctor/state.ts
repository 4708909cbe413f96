/**
 * Summarizes the state in one line; `verify` reports the details.
 *
 * @module
 */

import type { MinistateError } from "../../src/errors.ts";
import { ioError } from "../../src/failures.ts";
import { listState } from "../../src/disk/list_state.ts";
import { stemOf } from "../../src/disk/names.ts";
import { JournalCursor } from "../../src/journal/journal_cursor.ts";
import { JournalFiles } from "../../src/journal/journal_files.ts";
import type { Inspection } from "../../src/recovery/inspection.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../exit.ts";
import { inspectSteadily } from "../steady.ts";
import { countText } from "../text.ts";
import { ask, type DoctorFinding, type Fact, fine, shellText, valueOrNull } from "./finding.ts";

/** What is known about the state; `failure` holds the reason if it could not be inspected. */
export interface StateFacts {
  inspection: Inspection | null;
  failure: MinistateError | null;
  /** When its newest record was written, in milliseconds since 1970; `null` when no record can be read. */
  newest: number | null;
}

/** The facts when there is no state. */
export const NO_STATE: StateFacts = { inspection: null, failure: null, newest: null };

/** Inspects the state, if there is one. */
export async function stateIn(context: Context, directory: string): Promise<StateFacts> {
  try {
    const inspection = await inspectSteadily(context, directory);
    const newest = valueOrNull(await newestTime(context, directory, inspection));
    return { inspection, failure: null, newest };
  } catch (error) {
    if (error instanceof CommandError) return NO_STATE;
    return { ...NO_STATE, failure: ioError("inspect", directory, error) };
  }
}

/** The time of the last sound record; unknown when it is damaged, or by now only in a snapshot. */
function newestTime(
  { fs }: Context,
  directory: string,
  { journal, nextOpen }: Inspection,
): Promise<Fact<number | null>> {
  return ask(async () => {
    const list = () => listState(fs, directory, stemOf(journal));
    const cursor = new JournalCursor(new JournalFiles(fs, list), Math.max(1, nextOpen.sequence));
    try {
      const last = (await cursor.read())?.at(-1);
      return last === undefined ? null : last.timestamp;
    } finally {
      await cursor.close();
    }
  });
}

/** Reports the condition of the state. */
export function stateFinding(
  { inspection, failure }: StateFacts,
  directory: string,
): DoctorFinding {
  const check = "state";
  if (failure !== null) {
    return {
      check,
      mark: "problem",
      found: failure.message,
      meaning: "A program that opens it will fail in the same way",
      advice: `Run "ministate verify ${shellText(directory)}"`,
    };
  }
  if (inspection === null) return fine(check, "none yet");
  const { verdict, segments, snapshots, nextOpen } = inspection;
  const size = `${countText(segments.length, "segment")}, ${
    countText(snapshots.length, "snapshot")
  }`;
  const found = `${verdict}: ${size}, up to sequence ${nextOpen.sequence}`;
  if (verdict === "sound") return fine(check, found);
  if (verdict === "torn") {
    const meaning =
      "A power cut or a crash left a torn tail, never acknowledged: the next open cuts it";
    return { check, mark: "notice", found, meaning };
  }
  return {
    check,
    mark: "problem",
    found,
    meaning: nextOpen.outcome === "refuse"
      ? "Acknowledged bytes are damaged, and the next open will refuse"
      : "Damage in bytes that nothing depends on: nothing is lost, but the disk can't be trusted",
    advice: `Run "ministate verify ${
      shellText(directory)
    }" to see the places, then "ministate repair"`,
  };
}
