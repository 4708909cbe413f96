/**
 * Compares what `verify` says with what it must say: of the program that is running, and of another one beside it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MutatorChangedError, type VerifyReport } from "@ministate/ministate";
import { verifyDirectory } from "../src/state/verify_files.ts";
import type { RunnableMutator, RunnableReducer } from "../src/state/types.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import type { PurseManager } from "./outcomes_calls.ts";
import { readOutcomes } from "./outcomes_journal.ts";
import type { Ledger, Verified } from "./outcomes_model.ts";
import { type By, mutatorOf, type Program, type Purse } from "./outcomes_program.ts";
import { DIRECTORY, NAME } from "./world.ts";

/** How a verification ended. */
export type Agreement = "agrees" | "another effect" | "refuses";

/** A past, and the program that replays it. */
export interface Verifying {
  ledger: Ledger;
  disk: PowerCutDisk;
  program: Program;
}

/**
 * Verifies the past of an open state.
 *
 * @param beside waits for it while something else is done
 */
export async function verifyLive(
  { ledger, disk, program }: Verifying,
  manager: PurseManager,
  beside: (done: Promise<unknown>) => Promise<void>,
): Promise<Agreement> {
  const found = readOutcomes(disk, DIRECTORY);
  const foreseen = ledger.verify(found, program, { decides: false });
  const verifying = manager.verify();
  await beside(verifying);
  const report = await verifying;
  const verdict = compareVerified(report, foreseen);
  assert(verdict !== "agrees" || report.to >= found.last, "it ends before the live state");
  return verdict;
}

/** Verifies a directory without opening it, as an updater does beside the old program. */
export async function verifyBeside({ ledger, disk, program }: Verifying): Promise<Agreement> {
  const found = readOutcomes(disk, DIRECTORY);
  ledger.compare(found);
  const foreseen = ledger.verify(found, program, { decides: true });
  const mutator = mutatorOf(program) as
    | RunnableMutator<Purse, By, unknown>
    | RunnableReducer<Purse, By>;
  const report = await verifyDirectory(disk, DIRECTORY, NAME, mutator);
  const verdict = compareVerified(report, foreseen);
  assert(verdict !== "agrees" || report.to === found.last, "it ends elsewhere");
  return verdict;
}

/** Compares a report with what must be in it. Where it ends is not looked at when nothing differs. */
function compareVerified(report: VerifyReport, foreseen: Verified): Agreement {
  const { from, to, snapshots, skipped, difference } = report;
  assert.deepEqual(skipped, [], "a snapshot was not compared");
  if (foreseen.difference === null) {
    assert.equal(difference?.message, undefined, "what an honest history comes to");
    assert.deepEqual({ from, snapshots }, { from: foreseen.from, snapshots: foreseen.snapshots });
    return "agrees";
  }
  const { was, is, ...wanted } = foreseen.difference;
  assert(difference !== null, `no difference was found: ${JSON.stringify(foreseen)}`);
  const { kind, sequenceFirst, sequenceLast, path, snapshot, cause } = difference;
  assert.deepEqual(
    { from, to, snapshots, difference: { kind, sequenceFirst, sequenceLast } },
    { ...foreseen, difference: wanted },
  );
  if (kind === "mutation") {
    assert(cause instanceof MutatorChangedError, "another failure than a refusal");
    assert.deepEqual([cause.sequence, path], [sequenceFirst, null]);
    return "refuses";
  }
  assert(snapshot?.includes(`${sequenceLast}.`), `another snapshot: ${snapshot}`);
  const [expected, found] = [at(was, path!), at(is, path!)];
  assert.deepEqual([difference.expected, difference.found], [expected, found], `at "${path}"`);
  assert.notDeepEqual(expected, found, `nothing differs at "${path}"`);
  return "another effect";
}

/** What stands at a JSON Pointer. */
function at(state: unknown, path: string): unknown {
  let part = state;
  for (const key of path.split("/").slice(1)) part = (part as Record<string, unknown>)[key];
  return part;
}
