/**
 * What is promised about the past, and about the end: histories that are whole, ordered and never ahead of what is
 * durable, readers beside a writer, and a close that waits for everything.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { StateManager } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { openDamaged } from "./damage_oracle.ts";
import { codeOf, openingOf, type Promised } from "./promised.ts";
import type { Tally } from "./tally.ts";
import { collector, DIRECTORY, type Manager, NAME, within, World } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const PAST: readonly Promised[] = [
  { name: "followers see what is durable, once and in order", keep: followersMissNothing },
  { name: "the past doesn't change", keep: pastIsWhatItWas },
  { name: "a reader beside a compaction", keep: readerBesideCompaction },
  { name: "closing waits for everything", keep: closingWaits },
];

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Follows until the manager is closed; it must never see a mutation before the mutation is durable. */
async function follow(manager: Manager, from: number): Promise<number[]> {
  const received: number[] = [];
  for await (const { sequence, mutation } of manager.changes({ from })) {
    assert(
      sequence <= manager.sequence,
      `follower sees ${sequence} when ${manager.sequence} is durable`,
    );
    assertEquals(sequence, from + received.length, "a follower gets mutations out of order");
    received.push(mutation.id);
  }
  return received;
}

async function followersMissNothing(tally: Tally): Promise<void> {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs, { segmentSizeMax: 64 * 1024 });
  fs.syncDelayMs = 1;
  const followers: { from: number; received: Promise<number[]> }[] = [];
  for (let round = 0; round < 6; round++) {
    const under = [world.apply(manager, 15_000), world.applyAll(manager, 2)];
    // It begins while the bytes are written and not yet synced.
    await turn();
    const from = Math.max(1, manager.sequence - round % 3);
    const received = follow(manager, from);
    // Checked at the end: until then nobody waits for it.
    received.catch(() => undefined);
    followers.push({ from, received });
    if (round % 3 === 2) under.push(manager.createSnapshot().then(() => true));
    await Promise.all(under);
  }
  const live = manager.changes();
  const next = live.next();
  await world.apply(manager);
  assertEquals((await within(next)).value?.sequence, manager.sequence, "nothing arrives live");
  await live.return();
  const last = world.apply(manager);
  await turn();
  await manager.close();
  assert(await last, "what was under way when it was closed was not acknowledged");
  for (const { from, received } of followers) {
    assertEquals(
      await within(received),
      world.certain.slice(from - 1),
      "a follower missed something",
    );
    tally.state("changes", "followed");
  }
}

/** The mutations of each sequence, in groups and alone, in several segments, with snapshots between. */
async function pastOf(world: World, fs: PowerCutDisk): Promise<Manager> {
  const manager = await world.open(fs, { segmentSizeMax: 64 * 1024, snapshotsKept: 5 });
  for (let round = 0; round < 3; round++) {
    await world.applyAll(manager, 3, 12_000);
    await world.apply(manager);
    if (round > 0) await manager.createSnapshot();
    await world.apply(manager, 20_000);
  }
  return manager;
}

async function pastIsWhatItWas(tally: Tally): Promise<void> {
  const world = new World();
  const fs = freshDisk();
  const manager = await pastOf(world, fs);
  const reading = { fs, readOnly: true } as const;
  const reader: Manager = await StateManager.open(DIRECTORY, NAME, collector, reading);
  const journal = await Journal.open<{ id: number }>(DIRECTORY, NAME, reading);
  const ids = [...world.certain];
  const copy = manager.snapshot();
  // Neither reader learns of what is written from here on.
  await world.applyAll(manager, 3);
  for (let sequence = 0; sequence <= ids.length; sequence++) {
    for (const one of [manager, reader]) {
      const past = await one.stateAt(sequence);
      assertEquals(past.ids, ids.slice(0, sequence), `the state at ${sequence}`);
    }
    const replayed = [];
    for await (const { mutation } of journal.replay({ from: 1, to: sequence })) {
      replayed.push(mutation.id);
    }
    assertEquals(replayed, ids.slice(0, sequence), `replayed up to ${sequence}`);
    assertEquals(await follow(reader, sequence + 1), ids.slice(sequence), "a reader's changes");
    tally.state("past", "as it was");
  }
  assertEquals(copy.ids, ids, "a copy changed with the state");
  assertEquals([...manager.state.ids], world.certain, "looking at the past changed the present");
  await Promise.all([journal.close(), reader.close(), manager.close()]);
}

/** The most tens of steps that the writer takes between two of the reader's. */
const READER_STEPS_MAX = 40;

/**
 * The disk, for a reader that pauses between listing files and reading them. The first listing only shows whether there
 * is a state.
 */
function slowed(fs: PowerCutDisk, steps: number): PowerCutDisk {
  let listings = 0;
  return new Proxy(fs, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (key !== "list") return typeof value === "function" ? value.bind(target) : value;
      return async (path: string) => {
        const entries = await target.list(path);
        const pause = ++listings === 1 ? 0 : steps;
        for (let i = 0; i < pause; i++) await undefined;
        return entries;
      };
    },
  });
}

/** Nothing is left then of what was there before. */
async function compactTwice(world: World, manager: Manager): Promise<void> {
  for (let i = 0; i < 2; i++) {
    await world.apply(manager);
    await manager.compact();
  }
}

async function readerBesideCompaction(tally: Tally): Promise<void> {
  for (let steps = 0; steps < READER_STEPS_MAX; steps++) {
    const world = new World();
    const fs = freshDisk();
    const manager = await world.open(fs);
    for (let i = 0; i < 3; i++) {
      await world.apply(manager);
      await manager.compact();
    }
    const writing = compactTwice(world, manager);
    const acknowledged = manager.sequence;
    const reader = await openDamaged(slowed(fs, 10 * steps), { readOnly: true });
    assert(reader.sequence >= acknowledged, `${acknowledged} durable, ${reader.sequence} read`);
    await writing;
    await reader.close();
    await manager.close();
    tally.state("open", "read beside a writer");
  }
}

/** Whatever is under way when it is called is finished; then the lock is released, and nothing follows. */
async function closingWaits(tally: Tally): Promise<void> {
  const world = new World();
  const fs = freshDisk();
  fs.syncDelayMs = 1;
  const manager = await world.open(fs);
  const under = [world.apply(manager, 3000), world.apply(manager), world.applyAll(manager, 3)];
  await turn();
  under.push(world.apply(manager), manager.compact().then(() => true));
  const closing = manager.close();
  assertEquals(await openingOf(fs), "LOCKED", "a second writer while the first is closing");
  assertEquals(await Promise.all(under), under.map(() => true), `${world.refusals}`);
  await closing;
  assertLockWentLast(fs);
  const before = fs.fingerprint();
  for (const call of ["createSnapshot", "compact"] as const) {
    assertEquals(await codeOf(() => manager[call]()), "CLOSED", call);
  }
  assertEquals(await world.apply(manager), false, "a mutation after the end");
  // To begin and end without a mutation costs a card nothing.
  await (await world.open(fs)).close();
  assertEquals(fs.fingerprint(), before, "written after the end, or for nothing");
  await storeWaits();
  tally.state("close", "last");
}

function assertLockWentLast(fs: PowerCutDisk): void {
  assertEquals(fs.log.at(-1)!.split(" ")[0], "release", "the lock did not go last");
}

async function storeWaits(): Promise<void> {
  const fs = freshDisk();
  const store = await SnapshotStore.open(DIRECTORY, NAME, { fs });
  await store.create(1, { of: 1 });
  const creating = store.create(2, { of: 2 });
  await store.close();
  assertLockWentLast(fs);
  await creating;
  const again = await SnapshotStore.open(DIRECTORY, NAME, { fs: fs.crash() });
  const restored = await again.restore();
  assertEquals([restored?.sequence, restored?.state], [2, { of: 2 }]);
  await again.close();
}
