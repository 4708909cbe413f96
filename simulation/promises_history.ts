/**
 * What is promised about files of another history: those of a copy of the directory, with the same identity, that was
 * written to like the original. They are never taken for what happened here.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { MinistateError, type StateManagerOptions } from "@ministate/ministate";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { openDamaged } from "./damage_oracle.ts";
import type { Promised } from "./promised.ts";
import { filesOf } from "./structure_history.ts";
import type { Tally } from "./tally.ts";
import { type Manager, World } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const HISTORIES: readonly Promised[] = [
  { name: "a file of a copy of the directory", keep: copiedFileIsNoHistory },
  { name: "a snapshot of a copy, while open", keep: copiedSnapshotReplacesNothing },
];

/** What was acknowledged, and the files that it left. */
interface Copy {
  fs: PowerCutDisk;
  ids: number[];
}

/** Continues a history in several segments, of which the first has its beginning from before. */
async function continueIn(world: World, start: PowerCutDisk, last: "snapshot" | "record") {
  const fs = start.crash();
  const manager = await world.open(fs);
  for (let round = 0; round < 3; round++) {
    await world.applyAll(manager, 2);
    await world.apply(manager);
    await manager.createSnapshot();
  }
  if (last === "record") await world.apply(manager);
  await manager.close();
  return { fs: fs.crash(), ids: [...world.certain] };
}

/** A directory, and a copy of it that was continued in another way. */
async function twoHistories(last: "snapshot" | "record"): Promise<[Copy, Copy]> {
  const world = new World();
  const start = freshDisk();
  const manager = await world.open(start);
  await world.apply(manager);
  await manager.close();
  const copy = world.fork();
  return [await continueIn(world, start, last), await continueIn(copy, start, last)];
}

/** What an open gives; the code when it fails. */
async function outcomeOf(fs: PowerCutDisk, options: StateManagerOptions) {
  try {
    const manager: Manager = await openDamaged(fs, options);
    const { state: { ids }, recovery } = manager;
    await manager.close();
    return { ids: [...ids], lost: recovery.lost, code: "opened" };
  } catch (error) {
    if (!(error instanceof MinistateError)) throw error;
    return { ids: null, lost: null, code: error.code };
  }
}

async function copiedFileIsNoHistory(tally: Tally): Promise<void> {
  for (const last of ["snapshot", "record"] as const) {
    const [ours, theirs] = await twoHistories(last);
    const isSnapshot = (path: string) => path.includes(".snapshot.");
    for (const withSnapshots of [true, false]) {
      for (const path of filesOf(theirs.fs)) {
        if (!withSnapshots && isSnapshot(path)) continue;
        const fs = ours.fs.image();
        if (!withSnapshots) filesOf(fs).filter(isSnapshot).forEach((file) => fs.unplant(file));
        fs.plant(path, theirs.fs.peek(path)!);
        const message = `${path} of a copy, ${withSnapshots ? "with" : "without"} snapshots`;
        const strict = await outcomeOf(fs.image(), {});
        if (strict.ids === null) assertEquals(strict.code, "CORRUPT", message);
        else assertEquals(strict.ids, ours.ids, message);
        if (isSnapshot(path)) assertEquals(strict.code, "opened", message);
        const reader = await outcomeOf(fs.image(), { readOnly: true });
        assertEquals(reader, strict, `${message}, to a reader`);
        const { ids, lost, code } = await outcomeOf(fs, { onCorruption: "quarantine" });
        assert(ids !== null, `${message}: ${code}`);
        // Without a snapshot, nothing but its first segment says what a journal begins with.
        const isBeginning = !withSnapshots && path.includes("-0000000000000001.");
        const kept = isBeginning ? theirs : ours;
        assertEquals(ids, kept.ids.slice(0, ids.length), message);
        assert(lost !== null || ids.length === ours.ids.length, `${message}: lost without a word`);
        assertEquals((await outcomeOf(fs, {})).ids, ids, `${message}, opened again`);
        tally.state("another history", strict.code);
      }
    }
  }
}

/** A snapshot that came from a copy is no reason to delete one of ours, or the journal. */
async function copiedSnapshotReplacesNothing(tally: Tally): Promise<void> {
  const [ours, theirs] = await twoHistories("record");
  const newest = filesOf(ours.fs).findLast((path) => path.includes(".snapshot."))!;
  const manager = await openDamaged(ours.fs);
  ours.fs.plant(newest, theirs.fs.peek(newest)!);
  await manager.compact();
  await manager.close();
  // Whatever becomes of the snapshot just written, something of this history must lead here.
  const last = filesOf(ours.fs).findLast((path) => path.includes(".snapshot."))!;
  ours.fs.flipBit(last, 200, 0);
  const { ids, lost } = await outcomeOf(ours.fs, {});
  assertEquals([ids, lost], [ours.ids, null], "a snapshot of a copy replaced the journal");
  tally.state("compact", "another history");
}
