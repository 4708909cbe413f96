/**
 * What `doctor` tries out: it makes a file, locks it, syncs it, and removes it.
 *
 * @module
 */

import { withoutOptions } from "../../advice.ts";
import { type DurableFs, systemCodeOf } from "../../durable_fs.ts";
import { ioError } from "../../errors.ts";
import { joinPath } from "../../format/names.ts";
import type { Space } from "../machine.ts";
import type { Finding } from "./finding.ts";
import { trialFinding, tryLock } from "./lock.ts";
import { latencyFindings, type SyncLatency } from "./sync_latency.ts";
import { measureSyncs, SYNC_TEST_SIZE_MAX } from "./sync_rounds.ts";

/** How the names of the files begin that an examination makes and removes. */
const PREFIX = "ministate-doctor-";

/** A test that fills the disk would make the program fail that uses it: so many times the test's size must be free. */
const SPACE_FACTOR = 4;

/** What is known of the place. */
export interface TrialFacts {
  /** The directory to try. */
  path: string;
  /** Whether it is in memory. */
  volatile: boolean;
  /** The room in it; `null` when that is unknown. */
  space: Space | null;
  /** The disk's name; `null` when that is unknown. */
  disk: string | null;
}

/** What the trials came to. */
export interface TrialResult {
  findings: Finding[];
  /** `null` when no sync was tried. */
  sync: SyncLatency | null;
}

/**
 * Tries locking and syncing.
 *
 * @param interruption ends the syncs early; `null` leaves them out
 */
export async function runTrials(
  fs: DurableFs,
  facts: TrialFacts,
  interruption: AbortSignal | null,
): Promise<TrialResult> {
  const lock = await tryLock(fs, trialPath(facts.path));
  const locking = trialFinding(lock, facts.path);
  // Where no file can be made, the line about the lock says why.
  if (lock instanceof Error) return { findings: [locking], sync: null };
  const { findings, sync } = await trySyncs(fs, facts, interruption);
  return { findings: [locking, ...findings], sync };
}

/** Says which files of an examination stand in a directory. */
export function leftOverFindings(names: string[]): Finding[] {
  return names.filter((name) => name.startsWith(PREFIX)).map((name) => ({
    check: "left over",
    mark: "notice",
    found: name,
    meaning: "An examination that was killed has left it behind, or one is under way",
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

function failedFinding(found: string): Finding {
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
