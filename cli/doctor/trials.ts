/**
 * The trials of `doctor`: creates a file, locks it, syncs it, and removes it.
 *
 * @module
 */

import { withoutOptions } from "../../src/advice.ts";
import { type DurableFs, systemCodeOf } from "../../src/durable_fs.ts";
import { ioError } from "../../src/failures.ts";
import { joinPath } from "../../src/disk/names.ts";
import type { Space } from "../machine.ts";
import type { DoctorFinding } from "./finding.ts";
import { trialFinding, tryLock } from "./lock.ts";
import { latencyFindings, type SyncLatency } from "./sync_latency.ts";
import { measureSyncs, SYNC_TEST_SIZE_MAX } from "./sync_rounds.ts";

/** The prefix of the files that an examination creates and removes. */
const PREFIX = "ministate-doctor-";

/** A test that fills the disk would make the user's program fail, so this many times the test's size must be free. */
const SPACE_FACTOR = 4;

/** What is known about the directory to try. */
export interface TrialFacts {
  /** The directory to try. */
  path: string;
  /** Whether it is in memory. */
  volatile: boolean;
  /** Its free space; `null` when unknown. */
  space: Space | null;
  /** The name of the disk; `null` when unknown. */
  disk: string | null;
}

/** The result of the trials. */
export interface TrialResult {
  findings: DoctorFinding[];
  /** `null` when no sync was tried. */
  sync: SyncLatency | null;
}

/**
 * Tries locking and syncing.
 *
 * @param interruption ends the sync test early; `null` skips the test
 */
export async function runTrials(
  fs: DurableFs,
  facts: TrialFacts,
  interruption: AbortSignal | null,
): Promise<TrialResult> {
  const lock = await tryLock(fs, trialPath(facts.path));
  const locking = trialFinding(lock, facts.path);
  // If no file can be created, the line about the lock gives the reason.
  if (lock instanceof Error) return { findings: [locking], sync: null };
  const { findings, sync } = await trySyncs(fs, facts, interruption);
  return { findings: [locking, ...findings], sync };
}

/** Reports leftover files of earlier examinations in a directory. */
export function leftOverFindings(names: string[]): DoctorFinding[] {
  return names.filter((name) => name.startsWith(PREFIX)).map((name) => ({
    check: "left over",
    mark: "notice",
    found: name,
    meaning: "An examination that was killed has left it behind, or one is in progress",
    advice: "Delete it",
  }));
}

async function trySyncs(
  fs: DurableFs,
  facts: TrialFacts,
  interruption: AbortSignal | null,
): Promise<TrialResult> {
  const leaveOut = (why: string) => ({
    findings: [{ check: "syncs", mark: "unknown" as const, found: `not tried: ${why}` }],
    sync: null,
  });
  if (interruption === null) return leaveOut("it was left out");
  if (facts.volatile) return leaveOut("memory has nothing to sync");
  if (facts.space !== null && facts.space.sizeFree < SPACE_FACTOR * SYNC_TEST_SIZE_MAX) {
    return leaveOut("there is too little space");
  }
  try {
    const sync = await measureSyncs(fs, trialPath(facts.path), interruption);
    return sync === null
      ? leaveOut("interrupted")
      : { findings: latencyFindings(sync, facts.disk), sync };
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    const { message } = ioError("sync a file in", facts.path, error);
    return { findings: [failedFinding(withoutOptions(message))], sync: null };
  }
}

function failedFinding(found: string): DoctorFinding {
  return {
    check: "syncs",
    mark: "problem",
    found,
    meaning: "No mutation can be made durable there",
    advice:
      'Look for errors with "dmesg"; if the card is failing, copy the state away and replace it',
  };
}

function trialPath(directory: string): string {
  return joinPath(directory, `${PREFIX}${crypto.randomUUID()}.tmp`);
}
