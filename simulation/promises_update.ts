/**
 * What is promised about updates of the program: everything is migrated, once, whenever the power is cut.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { MinistateError, StateManager } from "@ministate/ministate";
import { isPowerCut } from "../testing/disk/disk_calls.ts";
import { crashImages } from "../testing/disk/crash_images.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import type { Promised } from "./promised.ts";
import type { Tally } from "./tally.ts";
import { DIRECTORY, NAME } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const UPDATE: readonly Promised[] = [
  { name: "an update migrates everything", keep: updateCarriesOver },
  { name: "an update is complete once it is open", keep: updateIsSettled },
  { name: "an update on a disk that fails", keep: updateOnFailingDisk },
  { name: "the past before an update", keep: pastIsCarriedOver },
  { name: "an update that fails changes nothing", keep: failedUpdateChangesNothing },
];

const firstVersion = {
  initial: () => ({ sum: 0 }),
  apply: (state: { sum: number }, { by }: { by: number }) => state.sum += by,
};

const secondVersion = {
  version: 2,
  initial: () => ({ total: 0 }),
  apply: (state: { total: number }, { amount }: { amount: number }) => state.total += amount,
  migrate: {
    state: (old: unknown) => ({ total: (old as { sum: number }).sum }),
    mutation: (old: unknown) => ({ amount: (old as { by: number }).by }),
  },
};

const AMOUNTS = [1, 2, 4, 8, 16, 32];
/** How many of them the first version makes, and how many of those its snapshot holds. */
const BEFORE = 4;
const SNAPSHOTTED = 2;
const IMAGES_MAX = 4;

/** What the first version leaves. */
async function beforeUpdate(): Promise<PowerCutDisk> {
  const fs = freshDisk();
  const old = await StateManager.open(DIRECTORY, NAME, firstVersion, { fs });
  for (const [i, by] of AMOUNTS.slice(0, BEFORE).entries()) {
    await old.apply({ by });
    if (i === SNAPSHOTTED - 1) await old.createSnapshot();
  }
  return fs;
}

async function updateCarriesOver(tally: Tally): Promise<void> {
  const before = await beforeUpdate();
  for (let cutAt: number | null = 1; cutAt !== null;) {
    const fs = before.image();
    fs.cutAt = cutAt;
    const acknowledged = await update(fs);
    for (const image of crashImages(fs, { imagesMax: IMAGES_MAX, seed: cutAt })) {
      const { state, sequence } = await StateManager.open(DIRECTORY, NAME, secondVersion, {
        fs: image,
      });
      assert(sequence >= acknowledged, `${acknowledged} were acknowledged, ${sequence} are there`);
      assertEquals(state, { total: sumOf(sequence) }, "not carried over");
      tally.state("update", "carried over");
    }
    cutAt = acknowledged === AMOUNTS.length && fs.calls < cutAt ? null : cutAt + 1;
  }
}

/** Once it is open, migration runs only for readers of the past. */
async function updateIsSettled(tally: Tally): Promise<void> {
  const fs = (await beforeUpdate()).crash();
  // Automatic compaction would delete the past that is read below.
  const options = { fs, compaction: "manual" } as const;
  const old = await StateManager.open(DIRECTORY, NAME, firstVersion, options);
  // One of the same sequence, and yet not of the same state.
  await old.createSnapshot();
  await old.close();
  const manager = await StateManager.open(DIRECTORY, NAME, secondVersion, { fs });
  const changes = manager.changes({ from: 1 });
  for (const [i, amount] of AMOUNTS.slice(0, BEFORE).entries()) {
    const { value } = await changes.next();
    assertEquals(value, {
      sequence: i + 1,
      timestamp: value!.timestamp,
      mutation: { amount },
      refused: false,
    });
  }
  await changes.return();
  const disk = fs.crash();
  const settled = { ...secondVersion, migrate: undefined };
  const { state } = await StateManager.open(DIRECTORY, NAME, settled, { fs: disk });
  assertEquals(state, { total: sumOf(BEFORE) }, "not settled");
  tally.state("update", "settled");
}

/** Whatever fails on the way, no record of the new version is written among those of the old one. */
async function updateOnFailingDisk(tally: Tally): Promise<void> {
  const before = await beforeUpdate();
  for (let at = 1, reached = true; reached; at++) {
    const fs = before.image();
    // The first time, it is only full.
    if (at === 1) fs.spaceLeft = 0;
    else fs.fault = { at: at - 1, how: "EIO" };
    const acknowledged = await update(fs);
    reached = at === 1 || fs.faults > 0;
    const again = await StateManager.open(DIRECTORY, NAME, secondVersion, { fs: fs.crash() });
    assert(again.sequence >= acknowledged, `${acknowledged} were acknowledged`);
    assertEquals(again.state, { total: sumOf(again.sequence) }, `call ${at}`);
    tally.state("update", "carried over");
  }
}

/** From the older version's snapshot on, each state of the past is one of the new version. */
async function pastIsCarriedOver(tally: Tally): Promise<void> {
  const fs = (await beforeUpdate()).crash();
  const manager = await StateManager.open(DIRECTORY, NAME, secondVersion, { fs });
  for (let sequence = 0; sequence <= BEFORE; sequence++) {
    const past = await manager.stateAt(sequence);
    assertEquals(past, { total: sumOf(sequence) }, `the state at ${sequence}`);
    tally.state("update", "past carried over");
  }
  await manager.close();
}

/** A part of a mutator that is wrong, and the code of what comes of it. */
type Mistake = Record<string, unknown> & { code?: string };

/** What the second version could do wrong, by what its mutator is then. */
const MISTAKES: Record<string, Mistake> = {
  "a state that is not JSON": { apply: (state: { total: unknown }) => state.total = NaN },
  "a promise": { apply: () => Promise.resolve(1), code: "MUTATOR_CHANGED" },
  "no next state": { apply: undefined, reduce: () => undefined, code: "MUTATOR_CHANGED" },
  "a mutation that is not JSON": { migrate: { mutation: () => undefined } },
};

async function failedUpdateChangesNothing(tally: Tally): Promise<void> {
  const before = (await beforeUpdate()).crash();
  for (const [mistake, { code = "MIGRATION_FAILED", ...part }] of Object.entries(MISTAKES)) {
    const fs = before.image();
    // deno-lint-ignore no-explicit-any -- a mutator that is wrong
    const mutator: any = { ...secondVersion, ...part };
    const opened = await StateManager.open(DIRECTORY, NAME, mutator, { fs }).catch((error) =>
      error
    );
    assertEquals(opened instanceof MinistateError && opened.code, code, mistake);
    assertEquals(fs.fingerprint(), before.fingerprint(), `${mistake}: something was changed`);
    const old = await StateManager.open(DIRECTORY, NAME, firstVersion, { fs });
    assertEquals(old.state, { sum: sumOf(BEFORE) }, mistake);
    tally.state("update", "refused");
  }
}

/** Runs the second version until the power goes or a call fails; returns how many mutations are certain. */
async function update(fs: PowerCutDisk): Promise<number> {
  let acknowledged = BEFORE;
  try {
    const manager = await StateManager.open(DIRECTORY, NAME, secondVersion, { fs });
    for (const amount of AMOUNTS.slice(BEFORE)) {
      await manager.apply({ amount });
      acknowledged++;
    }
  } catch (error) {
    if (!isPowerCut(error) && !(error instanceof MinistateError)) throw error;
  }
  return acknowledged;
}

function sumOf(count: number): number {
  return AMOUNTS.slice(0, count).reduce((sum, amount) => sum + amount, 0);
}
