/**
 * Reads a directory that may have a live writer until two reads agree. Bytes that are just being written look like a
 * torn tail, and files that a compaction deletes look like missing ones, but not twice at the same place.
 *
 * @module
 */

import { MinistateError } from "../src/errors.ts";
import { inspectState } from "../src/recovery/inspect.ts";
import type { Inspection } from "../src/recovery/inspection.ts";
import { type Context, journalNameIn, pause } from "./context.ts";

/** How many times to read at most, and how long to wait in between, in milliseconds. */
const READS_MAX = 12;
const PAUSE_MS = 250;

/**
 * Inspects a directory. A finding is believed when two reads in a row find it at the same place. If no two reads ever
 * agree, a writer is busy there, and the findings are only its unfinished work.
 */
export async function inspectSteadily(context: Context, directory: string): Promise<Inspection> {
  const journal = await journalNameIn(context, directory);
  let before: string | null = null;
  for (let count = 1;; count++) {
    let found: string;
    try {
      const inspection = await inspectState(context.fs, directory, journal);
      if (inspection.verdict === "sound") return inspection;
      found = JSON.stringify(inspection.findings);
      if (found === before) return inspection;
      if (count >= READS_MAX) return withoutLiveTail(inspection);
    } catch (error) {
      if (!(error instanceof MinistateError) || count >= READS_MAX) throw error;
      found = `${error.code} ${error.path} ${error.message}`;
      if (found === before) throw error;
    }
    before = found;
    await pause(PAUSE_MS);
  }
}

/** A tail that was at another place in every read is a writer's next batch. */
function withoutLiveTail(inspection: Inspection): Inspection {
  if (inspection.verdict !== "torn") return inspection;
  const findings = inspection.findings.filter(({ severity }) => severity !== "torn");
  const nextOpen = { ...inspection.nextOpen, outcome: "open" as const, torn: null };
  return { ...inspection, findings, verdict: "sound", nextOpen };
}
