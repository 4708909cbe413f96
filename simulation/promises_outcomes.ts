/**
 * What is promised about outcomes, at every moment at which the power can go: between a batch and the record of its
 * refusals, in groups with refusals, and during updates.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { OutcomeHistory } from "./outcomes_history.ts";
import type { Kind, Kinds } from "./outcomes_kinds.ts";
import { openPurse } from "./outcomes_oracle.ts";
import { FIRST } from "./outcomes_program.ts";
import type { Change, Ending, OutcomeStep } from "./outcomes_steps.ts";
import { codeOf, type Promised } from "./promised.ts";
import type { Tally } from "./tally.ts";
import { freshDisk } from "./workloads.ts";

const stricter: Change = {
  style: "late",
  limit: 2,
  floor: -5,
  carry: "keep",
  gain: 0,
  raise: false,
};
const looser: Change = {
  style: "late",
  limit: 20,
  floor: -50,
  carry: "keep",
  gain: 0,
  raise: false,
};
const updated: Change = { ...stricter, raise: true };
const dropping: Change = { ...updated, carry: "drop" };
const gaining: Change = { ...looser, gain: 1 };
const clamping: Change = { ...updated, style: "reducer", carry: "clamp" };

const calls = (calls: number[][], together = false, padSize = 0): OutcomeStep => ({
  do: "calls",
  calls,
  together,
  padSize,
});
const restart = (to: Change, how: Ending = "close"): OutcomeStep => ({
  do: "restart",
  how,
  to,
  cut: null,
  seed: 1,
});
const rollBack: OutcomeStep = { do: "roll back", how: "close", to: looser, cut: null, seed: 1 };
const verify = (to: Change, beside = [[1]]): OutcomeStep => ({ do: "verify", beside, to });
const snapshot: OutcomeStep = { do: "snapshot", beside: [] };
const look: OutcomeStep = { do: "look", at: 3 };

const full = (space: number | null): OutcomeStep => ({ do: "full", space });
/** Larger than the space that is filled ahead. */
const LARGE = 100_000;

/** What happens, and the program that is there after the power cut. */
const SCRIPTS: { name: string; steps: OutcomeStep[]; to: Change; meets: Kind }[] = [
  {
    name: "refusals are recorded, for a program that would accept them",
    steps: [calls([[1], [9], [2], [8]]), look],
    to: looser,
    meets: "power cut between a batch and the record of its refusals",
  },
  {
    name: "what was accepted is kept from a program that would refuse it",
    steps: [calls([[1], [4]]), snapshot, calls([[9], [4]])],
    to: stricter,
    meets: "accepted mutation refused now",
  },
  {
    name: "a group with a refusal leaves nothing",
    steps: [calls([[1], [2, 9, -1], [3, 3]], true), snapshot, calls([[-1, 9]])],
    to: looser,
    meets: "power cut in a group with refusals",
  },
  {
    name: "an undecided batch under another version",
    steps: [calls([[1]]), snapshot, calls([[4]]), snapshot, calls([[2, 9], [3]], true)],
    to: updated,
    meets: "undecided mutation refused by another version",
  },
  {
    name: "an update that drops what it refuses",
    steps: [calls([[1], [4], [9]]), restart(dropping), calls([[2], [3]]), look],
    to: { ...looser, raise: true },
    meets: "power cut during an update",
  },
  {
    name: "an update that changes what it refuses, to a reducer",
    steps: [calls([[4], [9]]), restart(clamping), calls([[2], [3], [1, 3]], true)],
    to: { ...dropping, style: "checked" },
    meets: "power cut during an update",
  },
  {
    name: "a snapshot on a full disk, which has no room for a segment",
    steps: [calls([[1], [9]]), full(0), snapshot, look],
    to: looser,
    meets: "power cut between a batch and the record of its refusals",
  },
  {
    name: "a reducer's batch that the disk has no room for",
    steps: [
      calls([[1]]),
      restart(clamping),
      calls([[1]]),
      full(0),
      calls([[2]], false, LARGE),
      full(null),
      calls([[1]]),
      look,
    ],
    to: { ...looser, style: "reducer", raise: true },
    meets: "power cut during an update",
  },
  {
    name: "an update that is rolled back",
    steps: [
      calls([[1], [9]]),
      restart(updated),
      calls([[1]]),
      snapshot,
      calls([[2, 1]]),
      rollBack,
      calls([[3]]),
    ],
    to: looser,
    meets: "power cut during a roll-back",
  },
  {
    name: "a close that leaves nothing to a stricter program",
    steps: [calls([[4], [9], [3, 4]]), restart(stricter, "snapshot"), calls([[1], [3]]), look],
    to: { ...stricter, raise: true },
    meets: "nothing left to replay",
  },
  {
    name: "a past that verifies",
    steps: [
      calls([[1], [9]]),
      snapshot,
      calls([[2], [8]], true),
      snapshot,
      verify(looser, []),
      verify(looser),
    ],
    to: looser,
    meets: "an honest past verified",
  },
  {
    name: "another effect of the same mutations is found",
    steps: [
      calls([[1], [9]]),
      snapshot,
      calls([[3]]),
      snapshot,
      restart(gaining),
      verify(stricter),
      verify(clamping),
    ],
    to: gaining,
    meets: "another effect found",
  },
];

/** All of them. */
export const OUTCOMES: readonly Promised[] = [
  ...SCRIPTS.map(({ name, steps, to, meets }) => ({
    name: `outcomes: ${name}`,
    async keep(tally: Tally) {
      const kinds: Kinds = new Map();
      await cutEverywhere(steps, to, tally, kinds);
      assert(kinds.has(meets), `never met: ${meets}`);
    },
  })),
  { name: "outcomes: a past without its beginning verifies", keep: verifiesWithoutBeginning },
  { name: "outcomes: a line with notes is proof", keep: notesProve },
  { name: "outcomes: a snapshot is later than the last batch", keep: snapshotCounts },
];

async function verifiesWithoutBeginning(tally: Tally): Promise<void> {
  const kinds: Kinds = new Map();
  const compact: OutcomeStep = { do: "compact", beside: [] };
  // So many that the first of them is deleted, and the journal before it.
  const rounds = [1, 2, 3, 4].flatMap((by) => [calls([[by], [9]]), compact]);
  await new OutcomeHistory(tally, kinds).run([...rounds, calls([[2]]), verify(looser, [])]);
  assertEquals(kinds.get("an honest past verified"), 2);
}

/** Even when the line feed before it is gone, so that it doesn't begin a line. */
async function notesProve(tally: Tally): Promise<void> {
  const disk = freshDisk();
  const manager = await openPurse({ disk }, FIRST);
  const path = manager.journalPath;
  assertEquals(await codeOf(() => manager.apply({ id: 1, by: 9 })), "REJECTED");
  await manager.apply({ id: 2, by: 1 });
  const damaged = disk.crash();
  const text = new TextDecoder().decode(damaged.peek(path)!);
  assert(text.includes('{"refused":[[1,1]]}'), "there are no notes");
  damaged.flipBit(path, text.indexOf("\n[2,"), 0);
  assertEquals(await codeOf(() => openPurse({ disk: damaged }, FIRST)), "CORRUPT");
  tally.state("line feed", "CORRUPT");
}

async function snapshotCounts(tally: Tally): Promise<void> {
  const disk = freshDisk();
  const manager = await openPurse({ disk }, FIRST);
  const path = manager.journalPath;
  await manager.apply({ id: 1, by: 1 });
  const earlier = disk.peek(path)!;
  await manager.apply({ id: 2, by: 1 });
  await manager.createSnapshot();
  const damaged = disk.crash();
  damaged.plant(path, earlier);
  damaged.unplant(manager.journalPath);
  const options = { onCorruption: "quarantine" } as const;
  const again = await openPurse({ disk: damaged, options }, FIRST);
  assertEquals([again.state.ids, again.sequence], [[1, 2], 2]);
  tally.state("put back", "set aside");
}

/** Cuts the power at every call in turn, until it is too late for one. */
async function cutEverywhere(
  steps: OutcomeStep[],
  to: Change,
  tally: Tally,
  kinds: Kinds,
): Promise<void> {
  for (let after = 0;; after++) {
    const history = new OutcomeHistory(tally, kinds);
    await history.run([{ do: "cut", after, seed: after, to }, ...steps]);
    if (history.cuts === 1) return;
  }
}
