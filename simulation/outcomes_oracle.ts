/**
 * Opens directories with one program or another, and compares what comes of it, and all that can be read there, with
 * what must have become of every mutation.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  HistoryGoneError,
  MutatorChangedError,
  StateManager,
  type StateManagerOptions,
} from "@ministate/ministate";
import { listState } from "../src/disk/list_state.ts";
import { JournalCursor } from "../src/journal/journal_cursor.ts";
import { JournalFiles } from "../src/journal/journal_files.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import type { PurseManager } from "./outcomes_calls.ts";
import { type Found, readOutcomes } from "./outcomes_journal.ts";
import type { Ledger } from "./outcomes_model.ts";
import { type By, mutatorOf, type Program, type Purse } from "./outcomes_program.ts";
import { DIRECTORY } from "./world.ts";

const STEM = "w";
const NAME = `${STEM}.wal.jsonl`;

/** Where, and how, a state is opened. */
export interface Opening {
  disk: PowerCutDisk;
  directory?: string;
  options?: StateManagerOptions;
  /** What the program must see there, if that is not all. */
  seen?: PowerCutDisk;
}

let time = 0;

/** Opens a state, or starts one. */
export function openPurse(place: Opening, program: Program): Promise<PurseManager> {
  const { disk, directory = DIRECTORY, options = {} } = place;
  return StateManager.open<Purse, By, unknown>(directory, NAME, mutatorOf(program), {
    compaction: "manual",
    clock: () => ++time,
    ...options,
    fs: disk,
  });
}

/**
 * Opens a state and checks that it comes to what it must, which the ledger then holds.
 *
 * @returns `null` when the program must not open it, and didn't
 */
export async function opens(
  ledger: Ledger,
  place: Opening,
  program: Program,
): Promise<PurseManager | null> {
  const { disk, directory = DIRECTORY, seen = disk } = place;
  const found = readOutcomes(seen, directory);
  const expected = seen === disk ? ledger : ledger.writtenBy(program);
  expected.compare(found);
  const opening = expected.foresee(found, program);
  if ("changedAt" in opening) {
    const before = disk.fingerprint();
    const error = await openPurse(place, program).catch((error) => error);
    if (!(error instanceof MutatorChangedError)) {
      if (error instanceof Error) throw error;
      assert.fail(`opened at ${found.last} although ${opening.changedAt} is refused now`);
    }
    const { sequence, undecided } = error;
    assert.deepEqual({ changedAt: sequence, undecided }, opening);
    assert.equal(disk.fingerprint(), before, "an open that was refused changed something");
    return null;
  }
  // Before it is opened: if the power goes meanwhile, this may stand on the disk already.
  ledger.settle(found, opening);
  const manager = await openPurse(place, program);
  assert.deepEqual(manager.state, opening.state, "the recovered state");
  assert.equal(manager.sequence, found.last, "the recovered sequence");
  return manager;
}

/** What a manager says of the mutations from a sequence on. */
export async function changesOf(manager: PurseManager, from: number) {
  const seen: { id: number; by: number; refused: boolean | null }[] = [];
  for await (const { sequence, mutation, refused } of manager.changes({ from, follow: false })) {
    assert.equal(sequence, from + seen.length, "a follower missed something");
    seen.push({ id: mutation.id, by: mutation.by, refused });
  }
  return seen;
}

/** Compares everything that can be read of the past: by the writer, by a reader beside it, and by `log`. */
export async function compareReaders(
  ledger: Ledger,
  manager: PurseManager,
  place: Opening,
  program: Program,
  at: number,
): Promise<void> {
  const found = readOutcomes(place.disk, place.directory ?? DIRECTORY);
  ledger.compare(found);
  await comparePast(ledger, manager, found, program, at);
  const reader = await opens(
    ledger.fork(),
    { ...place, options: { readOnly: true } },
    program,
  );
  // The writer is open, so its program accepts what is there.
  assert(reader !== null, "a reader was refused beside the writer");
  await comparePast(ledger, reader, found, program, at);
  await reader.close();
  await compareLog(ledger, place, found);
}

async function comparePast(
  ledger: Ledger,
  manager: PurseManager,
  found: Found,
  program: Program,
  at: number,
): Promise<void> {
  const changes = await changesOf(manager, found.first);
  assert.deepEqual(changes, ledger.changes(program, found.first), "the changes");
  const sequence = at % (found.last + 1);
  const wanted = ledger.stateAt(found, program, sequence);
  const state = await manager.stateAt(sequence).catch((error) => {
    if (error instanceof MutatorChangedError) return error.sequence;
    if (error instanceof HistoryGoneError) return null;
    throw error;
  });
  assert.deepEqual(state, wanted, `the state at ${sequence}`);
}

/** Reads as the command does. */
async function compareLog(
  ledger: Ledger,
  { disk, directory = DIRECTORY }: Opening,
  found: Found,
): Promise<void> {
  const list = () => listState(disk, directory, STEM);
  const cursor = new JournalCursor(new JournalFiles(disk, list), found.first, () => null, {
    beside: true,
  });
  let next = found.first;
  for (let records; (records = await cursor.read()) !== null;) {
    for (const { sequence, refused } of records) {
      assert.equal(sequence, next++, "the log has a gap");
      const isOpen = found.undecided !== null && sequence >= found.undecided[0];
      const wanted = isOpen ? null : ledger.past[sequence - 1]!.refused;
      // What a line after it says can't be read once the power has gone; the next read will say so.
      if (disk.dead && refused === null) continue;
      assert.equal(refused, wanted, `the log of ${sequence}`);
    }
  }
  assert.equal(next, found.last + 1, "the log ends elsewhere");
  await cursor.close();
}
