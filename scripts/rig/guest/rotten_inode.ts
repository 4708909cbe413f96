// One life beside a damaged inode: `make FOLDER CASE` writes a state, `beside FOLDER CASE` opens it while the file
// system refuses one of its files, and `after FOLDER CASE` once fsck has run. The last line is "sound" or a problem.

import { type LostRecords, StateManager, type StateManagerOptions } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import process from "node:process";
import { JOURNAL } from "./checks.ts";
import { type Case, CASES } from "./rotten_cases.ts";

const numbers = {
  initial: (): { numbers: number[] } => ({ numbers: [] }),
  apply: (state: { numbers: number[] }, number: number) => state.numbers.push(number),
};

const [command, folder = "", name] = process.argv.slice(2);
const found = CASES.find((each) => each.name === name)!;
const state = `${folder}/state`;
const kept = Array.from({ length: found.kept }, (_, i) => i + 1);
const QUARANTINE = { onCorruption: "quarantine" } as const;

function open(options: StateManagerOptions = {}) {
  return StateManager.open(state, JOURNAL, numbers, { compaction: "manual", ...options });
}

try {
  await { make, beside, after }[command as "make" | "beside" | "after"](found);
  console.log("sound");
} catch (error) {
  console.log(`problem ${JSON.stringify(`${command}: ${(error as Error).message}`)}`);
  process.exit(1);
}

/** Segments from 1, 3 and 5 with two mutations each, and snapshots of sequence 2 and 4. */
async function make({ withoutSnapshots }: Case): Promise<void> {
  const manager = await open();
  for (let number = 1; number <= 6; number++) {
    await manager.apply(number);
    if (number === 2 || number === 4) await manager.createSnapshot();
  }
  await manager.close();
  if (!withoutSnapshots) return;
  for (const file of readdirSync(state)) if (file.includes(".snap")) rmSync(`${state}/${file}`);
}

async function beside({ kept: count, rotten, journalAlone }: Case): Promise<void> {
  const isRotten = (path: string) => rotten.some((file) => path.endsWith(file));
  await assert.rejects(open(), { code: "CORRUPT" });
  let lost: LostRecords | null, superseded: string[];
  if (journalAlone) {
    const journal = await Journal.open(state, JOURNAL, QUARANTINE);
    ({ lost, superseded } = journal.recovery);
    await journal.append(-1);
    await journal.close();
  } else {
    const manager = await open(QUARANTINE);
    ({ lost, superseded } = manager.recovery);
    assert.deepEqual(manager.state.numbers, kept);
    await manager.apply(-1);
    await manager.close();
  }
  assert.equal(lost?.sequenceFirst, count + 1);
  assert.equal(superseded.filter(isRotten).length, rotten.length, `${superseded}`);
  const reader = await open({ readOnly: true });
  assert.deepEqual(reader.state.numbers, [...kept, -1]);
  await reader.backup(`${folder}/beside`);
  const manager = await open();
  assert.deepEqual([manager.state.numbers, manager.recovery.lost], [[...kept, -1], null]);
  for (const number of [-2, -3, -4]) {
    await manager.apply(number);
    await manager.compact();
  }
  assert.deepEqual((await manager.stateAt(count + 3)).numbers, [...kept, -1, -2, -3]);
  await manager.backup(`${folder}/backup`);
  await manager.close();
}

/** What fsck has brought back counts for nothing. */
async function after(): Promise<void> {
  const manager = await open();
  const { lost, superseded } = manager.recovery;
  assert.deepEqual(manager.state.numbers, [...kept, -1, -2, -3, -4]);
  assert.deepEqual([lost, superseded], [null, []]);
  await manager.apply(-5);
  await manager.close();
}
