// Cuts the power at every call while damage is set aside: the report of the loss is on the disk before the damage is gone.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { type LostRecords, MinistateError } from "@ministate/ministate";
import { isPowerCut } from "../../testing/disk/disk_calls.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { Random, testSeed } from "../support/random.ts";
import { openDamaged, runCase } from "../../simulation/damage_oracle.ts";
import { ANY_POWER_CUT, EXTREME_POWER_CUTS } from "../../testing/disk/power_cut.ts";
import { DIRECTORY, World } from "../../simulation/world.ts";
import { freshDisk } from "../../simulation/workloads.ts";

const IMAGES_DRAWN = 4;
const ACKED = 6;
const ID_AFTER = 100;

const seed = testSeed("quarantine");

/** Six mutations, two in each of three segments, and a snapshot after each of the first two segments. */
async function recorded(): Promise<PowerCutDisk> {
  const fs = freshDisk();
  const world = new World();
  const manager = await world.open(fs);
  for (let i = 0; i < ACKED; i++) {
    await world.apply(manager);
    if (i % 2 === 1 && i < ACKED - 1) await manager.createSnapshot();
  }
  await manager.close();
  return fs.crash();
}

function ending(disk: PowerCutDisk, suffix: string): string[] {
  return disk.paths(DIRECTORY).filter((path) => path.endsWith(suffix));
}

function damage(disk: PowerCutDisk, segment: number, text: string): void {
  const path = ending(disk, ".wal.jsonl")[segment]!;
  const bytes = disk.peek(path)!;
  const at = new TextDecoder("latin1").decode(bytes).indexOf(text);
  bytes[at + 2]! ^= 1;
  disk.plant(path, bytes);
}

function removeSnapshots(disk: PowerCutDisk): void {
  for (const path of ending(disk, ".snapshot.jsonl")) disk.unplant(path);
}

interface Row {
  /** What is damaged. */
  name: string;
  harm: (disk: PowerCutDisk) => void;
  /** How many mutations can still be proven. */
  provable: number;
}

const withoutSnapshots: Row[] = [
  { name: "the first record", provable: 0, harm: (disk) => damage(disk, 0, "[1,") },
  { name: "a record of an older segment", provable: 3, harm: (disk) => damage(disk, 1, "[4,") },
  { name: "the header of an older segment", provable: 2, harm: (disk) => damage(disk, 1, '"id"') },
  { name: "the header of the first segment", provable: 0, harm: (disk) => damage(disk, 0, '"id"') },
  { name: "the last record, which a seal proves", provable: 5, harm: (d) => damage(d, 2, "[6,") },
  {
    name: "a whole segment, which is gone",
    provable: 2,
    harm: (disk) => disk.unplant(ending(disk, ".wal.jsonl")[1]!),
  },
  {
    name: "the first segment, which is gone",
    provable: 0,
    harm: (disk) => disk.unplant(ending(disk, ".wal.jsonl")[0]!),
  },
];

const rows: Row[] = withoutSnapshots.map((row) => ({
  ...row,
  harm: (disk) => {
    removeSnapshots(disk);
    row.harm(disk);
  },
}));

rows.push(
  {
    name: "the newest segment after a snapshot",
    provable: 4,
    harm: (disk) => damage(disk, 2, "[5,"),
  },
  { name: "the newest header after a snapshot", provable: 4, harm: (d) => damage(d, 2, '"id"') },
  {
    name: "every segment, and none is left after a snapshot",
    provable: 4,
    harm: (disk) => ending(disk, ".wal.jsonl").forEach((path) => disk.unplant(path)),
  },
);

for (const { name, harm, provable } of rows) {
  test(`open() sets aside ${name} and survives a power cut at every call of it`, async () => {
    const whole = await recorded();
    harm(whole);
    const whatWasThere = ending(whole, ".wal.jsonl").map((path) => whole.peek(path)!);
    for (let at = 1;; at++) {
      const disk = whole.image();
      disk.cutAt = at;
      const finished = await interrupted(disk, provable);
      for (let image = 0; image < EXTREME_POWER_CUTS.length + IMAGES_DRAWN; image++) {
        const random = new Random(seed + at * 100 + image);
        const choice = EXTREME_POWER_CUTS[image] ?? ANY_POWER_CUT;
        const where = `call ${at}, ${disk.log.at(-1)}, ${JSON.stringify(choice)}, seed ${seed}`;
        await runCase(
          where,
          () => check(disk.powerCut(choice, random), provable, finished, whatWasThere),
        );
      }
      if (finished) break;
    }
  });
}

/** Opens with quarantine and applies one mutation; resolves with whether the power held. */
async function interrupted(disk: PowerCutDisk, provable: number): Promise<boolean> {
  try {
    const manager = await openDamaged(disk, { onCorruption: "quarantine" });
    const { lost } = manager.recovery;
    assertEquals(lost?.sequenceFirst, provable + 1);
    assert(lost !== null);
    assert(lost.sequenceLast === null || lost.sequenceLast === ACKED, `${lost.sequenceLast}`);
    await manager.apply({ id: ID_AFTER });
    return true;
  } catch (error) {
    if (!isPowerCut(error)) throw error;
    return false;
  }
}

async function check(
  disk: PowerCutDisk,
  provable: number,
  finished: boolean,
  whatWasThere: Uint8Array[],
): Promise<void> {
  let looksSound = true;
  try {
    await openDamaged(disk.image());
  } catch (error) {
    if (!(error instanceof MinistateError) || error.code !== "CORRUPT") throw error;
    looksSound = false;
  }
  if (finished) assert(looksSound, "quarantine left damage behind");
  if (looksSound) {
    assert(reports(disk).some(covers(provable)), "the loss is in no report");
    const kept = disk.paths(DIRECTORY).map((path) => written(disk.peek(path)!));
    for (const bytes of whatWasThere) assert(kept.includes(written(bytes)), "a file is not kept");
  }
  const manager = await openDamaged(disk, { onCorruption: "quarantine" });
  const { ids } = manager.state;
  assertEquals(ids.slice(0, provable), [1, 2, 3, 4, 5, 6].slice(0, provable));
  assert(ids.slice(provable).every((id) => id === ID_AFTER), `found ${ids}`);
  if (finished) assertEquals(ids.length, provable + 1, "the acknowledged mutation is lost");
  await manager.apply({ id: ID_AFTER });
  const again = await openDamaged(disk.crash());
  assertEquals(again.state.ids.length, ids.length);
}

/** A file's bytes without the line feeds at its end: whether those were cut off already was never synced. */
function written(bytes: Uint8Array): string {
  return bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 10) + 1).join();
}

function reports(disk: PowerCutDisk): LostRecords[] {
  return disk.paths(`${DIRECTORY}/quarantine`)
    .filter((path) => /\/lost-from-\d+\.json/.test(path))
    .flatMap((path) => {
      try {
        return [JSON.parse(new TextDecoder().decode(disk.peek(path)!))];
      } catch {
        // One that was being written at the power cut; the next quarantine writes its own.
        return [];
      }
    });
}

const covers = (provable: number) => (report: LostRecords) =>
  report.sequenceFirst === provable + 1 &&
  (report.sequenceLast === null || report.sequenceLast === ACKED);
