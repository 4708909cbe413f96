/**
 * What is promised about everyday use: what a mutator is given and refuses, sizes, clocks, compactions that come by
 * themselves, files that rot or stray in while the state is open, backups.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type BackupReport,
  MinistateError,
  type MutationContext,
  StateManager,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { RECORD_SIZE_MAX } from "../src/format/format.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { openDamaged } from "./damage_oracle.ts";
import { BACKUP, reader } from "./inspections.ts";
import { codeOf, fileOf, openingOf, type Promised, rot } from "./promised.ts";
import type { Tally } from "./tally.ts";
import { DIRECTORY, type Manager, NAME, World } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const USE: readonly Promised[] = [
  { name: "replay repeats every outcome", keep: outcomesAreReplayed },
  { name: "what is acknowledged is not too large to be read", keep: sizesAreBounded },
  { name: "a journal is kept short automatically", keep: journalIsKeptShort },
  { name: "rotten and foreign snapshots replace nothing", keep: snapshotsAreLookedAt },
  { name: "a read that is refused once costs nothing", keep: refusedReadCostsNothing },
  { name: "a backup is whole, or there is none", keep: backupIsWhole },
  { name: "a journal opened alone keeps its version", keep: journalKeepsVersion },
];

interface Account {
  balance: number;
  entries: unknown[];
}

interface Booking {
  by: number;
  note?: { text: string };
}

function book(state: Account, mutation: Booking, { sequence, timestamp }: MutationContext) {
  if (state.balance + mutation.by < 0) throw new RangeError("no credit");
  state.balance += mutation.by;
  return state.entries.push([sequence, timestamp, mutation]);
}

/** Both styles of mutators, and a schema that rounds down. */
const MUTATORS = (["apply", "reduce"] as const).map((style) => ({
  initial: (): Account => ({ balance: 0, entries: [] }),
  schema: {
    "~standard": {
      version: 1 as const,
      vendor: "simulation",
      validate: (value: unknown) => ({
        value: { ...value as Booking, by: Math.trunc((value as Booking).by) },
      }),
    },
  },
  ...(style === "apply" ? { apply: book } : {
    reduce(state: Account, mutation: Booking, context: MutationContext): Account {
      const next = { ...state, entries: [...state.entries] };
      book(next, mutation, context);
      return next;
    },
  }),
}));

/** More bytes than characters, and together more than a line of a snapshot takes. */
const NOTE = "€ 😀 \u2028 \ud800 ".repeat(4000);

/** Clocks of boards without one. */
const TIMES = [NaN, 1.5, -1, Infinity, 0, 2 ** 60];

async function outcomesAreReplayed(tally: Tally): Promise<void> {
  for (const mutator of MUTATORS) {
    let fs = freshDisk();
    let ticks = 0;
    const open = () =>
      StateManager.open(DIRECTORY, NAME, mutator as (typeof MUTATORS)[0] & { apply: typeof book }, {
        fs,
        compaction: "manual",
        clock: () => TIMES[ticks++ % TIMES.length]!,
      });
    let manager = await open();
    for (let round = 0; round < TIMES.length; round++) {
      const first = { by: 2.5, note: { text: NOTE } };
      const applying = manager.apply(first);
      first.note.text = "after";
      await applying;
      if (round % 3 === 1) await manager.createSnapshot();
      assertEquals(await codeOf(() => manager.apply({ by: -100 })), "REJECTED");
      const group = [{ by: 1 }, { by: -100 }, { by: 3 }];
      assertEquals(await codeOf(() => manager.applyAll(group)), "REJECTED");
      const acknowledged = JSON.stringify(manager.state);
      // A reducer's refusals come before the write, and of a group with one nothing stays.
      const sequences = "reduce" in mutator ? 1 : 5;
      const rounds = round + 1;
      assertEquals([manager.sequence, manager.state.balance], [sequences * rounds, 2 * rounds]);
      assert(!acknowledged.includes("after"), "the caller's object reached the state");
      if (round % 3 === 2) await manager.createSnapshot();
      fs = fs.crash();
      manager = await open();
      assert(JSON.stringify(manager.state) === acknowledged, "replayed to another state");
      tally.state("open", "replayed");
    }
  }
}

const MEBIBYTE = 1024 * 1024;
/** In mebibytes, one call each: a record and a group just below the limits, and beyond them. */
const SIZES = [[7.4], [7.6], [7.4, 7.4], [7.4, 7.4, 7.4]];

async function sizesAreBounded(tally: Tally): Promise<void> {
  const fs = freshDisk();
  const options = { recordSizeMax: RECORD_SIZE_MAX, segmentSizeMax: 64 * MEBIBYTE };
  const world = new World();
  const manager = await world.open(fs, options);
  for (const sizes of SIZES) {
    await world.applyAll(manager, sizes.length, sizes[0]! * MEBIBYTE);
    await world.apply(manager);
  }
  assertEquals(world.refusals, ["TOO_LARGE", "TOO_LARGE"]);
  await Promise.all([1, 2, 3].map(() => world.apply(manager, 5.5 * MEBIBYTE)));
  const pad = "€".repeat(3 * MEBIBYTE);
  assertEquals(await codeOf(() => manager.apply({ id: -1, pad })), "TOO_LARGE");
  await world.open(fs.crash(), options);
  tally.state("open", "read");
}

const COMPACTION_SIZE = 4096;

async function journalIsKeptShort(tally: Tally): Promise<void> {
  let fs = freshDisk();
  const world = new World();
  const options = { compaction: "automatic", compactionSize: COMPACTION_SIZE } as const;
  for (let round = 0; round < 12; round++) {
    const manager = await world.open(fs, options);
    // Less in each life than starts a compaction.
    for (let i = 0; i < 2; i++) await world.apply(manager, COMPACTION_SIZE / 3);
    await manager.close();
    fs = fs.crash();
    tally.state("close", "short");
  }
  const size = fs.paths(DIRECTORY).reduce((sum, path) => sum + fs.peek(path)!.length, 0);
  assert(size < 8 * COMPACTION_SIZE, `the files have grown to ${size}`);
  await compactsAgain(world, await world.open(fs, options), fs);
  await fullDiskIsCompacted();
}

/** A compaction that fails is not the last one. */
async function compactsAgain(world: World, manager: Manager, fs: PowerCutDisk): Promise<void> {
  await world.apply(manager, 2 * COMPACTION_SIZE);
  // It has begun at this point.
  fs.fault = { at: fs.calls + 1, how: "ENOSPC", sticky: true };
  await compacted(manager);
  assertEquals(manager.compactionError?.code, "DISK_FULL");
  fs.fault = null;
  for (let i = 0; i < 3; i++) await world.apply(manager, COMPACTION_SIZE);
  await compacted(manager);
  assertEquals(manager.compactionError, null, "no compaction once there is space");
}

/** Waits for a compaction that nobody waits for: this call queues after it. */
async function compacted(manager: Manager): Promise<void> {
  await manager.stateAt(manager.sequence);
}

/** Nothing but the full disk starts a compaction here. */
async function fullDiskIsCompacted(): Promise<void> {
  const world = new World();
  const fs = freshDisk();
  const options = { compaction: "automatic", segmentSizeMax: 64 * 1024 } as const;
  const before = await world.open(fs, { ...options, compaction: "manual" });
  for (let i = 0; i < 6; i++) {
    await world.apply(before, 20_000);
    if (i % 2 === 1) await before.createSnapshot();
  }
  await before.close();
  const manager = await world.open(fs, options);
  fs.spaceLeft = 0;
  while (await world.apply(manager, 20_000));
  await compacted(manager);
  assert(await world.apply(manager, 20_000), `a full disk stays full: ${world.refusals}`);
}

async function snapshotsAreLookedAt(tally: Tally): Promise<void> {
  const other = new World().fork();
  const strange = freshDisk();
  const stranger = await other.open(strange);
  for (let i = 0; i < 6; i++) {
    await other.apply(stranger);
    if (i > 3) await stranger.createSnapshot();
  }
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs);
  for (let i = 0; i < 3; i++) await world.apply(manager);
  const { path } = await manager.createSnapshot();
  rot(fs, path, '"ids":[');
  await manager.createSnapshot();
  const { recovery } = await world.open(fs.image());
  assertEquals([recovery.replayed, recovery.snapshotsSkipped], [0, []], "a rotten one is left");
  for (const path of strange.paths(DIRECTORY)) {
    if (path.includes(".snapshot.")) fs.plant(path, strange.peek(path)!);
  }
  await manager.compact();
  await world.open(fs.image());
  await world.apply(manager);
  await manager.compact();
  const next = await world.open(fs.crash());
  assertEquals(next.recovery.replayed, 0, "no snapshot where one was made");
  tally.state("compact", "looked at");
}

/** What the disk would not give once is asked for again, before anything is declared lost over it. */
async function refusedReadCostsNothing(tally: Tally): Promise<void> {
  const world = new World();
  const before = freshDisk();
  const manager = await world.open(before);
  await world.apply(manager);
  await manager.createSnapshot();
  await world.apply(manager);
  await manager.close();
  // What the snapshot holds is in no other file.
  before.unplant(fileOf(before, "w-0000000000000001.wal"));
  for (let at = 1, reached = true; reached; at++) {
    const fs = before.image();
    fs.fault = { at, how: "EIO" };
    const options = { onCorruption: "quarantine" } as const;
    const ids = await openDamaged(fs, options).then(({ state }) => [...state.ids], codeOfError);
    if (Array.isArray(ids)) assertEquals(ids, world.certain, `call ${at}, ${fs.log[at - 1]}`);
    reached = fs.faults > 0;
    tally.state("open", "all there");
  }
}

function codeOfError(error: unknown): string {
  if (error instanceof MinistateError) return error.code;
  throw error;
}

async function backupIsWhole(tally: Tally): Promise<void> {
  const world = new World();
  const fs = freshDisk();
  fs.syncDelayMs = 1;
  const manager = await world.open(fs);
  await world.apply(manager);
  let report: BackupReport | null = null;
  const backing = manager.backup(BACKUP).then((done) => report = done);
  while (report === null) await world.apply(manager);
  const { sequence } = await backing;
  assertEquals(await codeOf(() => manager.backup(BACKUP)), "IO_FAILED", "over another backup");
  const copy = await StateManager.open(BACKUP, NAME, reader, { fs: fs.image(), readOnly: true });
  assertEquals([copy.sequence, copy.recovery.torn], [sequence, null], "the backup");
  rot(fs, manager.journalPath, '[2,{"i');
  assertEquals(await codeOf(() => manager.backup("/data/second")), "CORRUPT", "of what rotted");
  tally.state("backup", "whole");
  await middleIsLookedAt();
}

/** The last sequence is there, and records before it are not. */
async function middleIsLookedAt(): Promise<void> {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs, { segmentSizeMax: 64 * 1024 });
  for (let i = 0; i < 4; i++) await world.apply(manager, 30_000);
  const [first] = fs.paths(DIRECTORY).filter((path) => path.endsWith(".wal.jsonl"));
  assert(first !== manager.journalPath, "one segment only");
  rot(fs, first!, '[2,{"i');
  assertEquals(await codeOf(() => manager.backup(BACKUP)), "CORRUPT", "of a rotten middle");
}

async function journalKeepsVersion(tally: Tally): Promise<void> {
  const fs = freshDisk();
  // It migrates nothing: it refuses everything of another version.
  const second = { ...reader, migrate: undefined };
  const open = () => StateManager.open(DIRECTORY, NAME, second, { fs });
  await using(await open(), (manager) => manager.apply({ id: 1 }));
  const journal = await Journal.open(DIRECTORY, NAME, { fs });
  await journal.append({ id: 2 });
  await journal.close();
  const appending = () => journal.append({ id: 3 });
  assertEquals(await codeOf(appending), "CLOSED", "appended after the end");
  await using(await open(), (manager) => {
    assertEquals([...manager.state.ids], [1, 2]);
  });
  assertEquals(await openingOf(fs), "TOO_NEW", "the first version of the program");
  tally.state("open", "of its version");
}

async function using<T extends { close(): Promise<void> }>(
  opened: T,
  use: (opened: T) => unknown,
): Promise<void> {
  await use(opened);
  await opened.close();
}
