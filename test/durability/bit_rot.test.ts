// Flips bits and cuts files at every byte of recorded directories: never a silently wrong state.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { damagedDisk, filesOf, record, type Recording } from "../simulation/recordings.ts";
import { failsOrKeepsAll, named, openDamaged, quarantines } from "../simulation/damage_oracle.ts";
import { DIRECTORY } from "../simulation/world.ts";

/** Which bits of each byte are flipped, one at a time: all of them in the smallest directories. */
const BITS_ALL = [0, 1, 2, 3, 4, 5, 6, 7];
const BITS_SOME = [0, 5];

const recordings = await record();

/** Where the state may end without proof when `offset` of a file is damaged. */
function excusedAt(recording: Recording, path: string, offset: number): number[] {
  return path === recording.newest && offset >= recording.provenEnd
    ? [recording.batches.at(-1)! - 1]
    : [];
}

for (const recording of recordings) {
  test(`open() gives the whole state or CORRUPT when any bit of ${recording.name} is flipped`, async () => {
    const bits = recording.name.includes("single") ? BITS_ALL : BITS_SOME;
    for (const path of filesOf(recording)) {
      const size = recording.disk.peek(path)!.length;
      for (let at = 0; at < size; at++) {
        for (const bit of bits) {
          const disk = damagedDisk(recording, path, (bytes) => flip(bytes, at, bit));
          const excused = excusedAt(recording, path, at);
          await named(`${path} byte ${at} bit ${bit}`, async () => {
            await failsOrKeepsAll(recording, disk, excused);
          });
        }
      }
    }
  });

  test(`open() quarantines and says what is lost when any byte of ${recording.name} is damaged`, async () => {
    for (const path of filesOf(recording)) {
      const size = recording.disk.peek(path)!.length;
      for (let at = 0; at < size; at++) {
        const disk = damagedDisk(recording, path, (bytes) => flip(bytes, at, at % 8));
        const excused = excusedAt(recording, path, at);
        await named(
          `${path} byte ${at} bit ${at % 8}`,
          () => quarantines(recording, disk, path, excused),
        );
      }
    }
  });

  test(`open() never gives a wrong state when any file of ${recording.name} is cut at any byte`, async () => {
    // That the newest segment's end is missing is beyond proof, unless a snapshot knows better.
    const boundaries = recording.batches.map((first) => first - 1);
    for (const path of filesOf(recording)) {
      const excused = path === recording.newest ? boundaries : [];
      const size = recording.disk.peek(path)!.length;
      for (let at = 0; at < size; at++) {
        const cut = () => damagedDisk(recording, path, (bytes) => bytes.slice(0, at));
        await named(`${path} cut at ${at}`, async () => {
          await failsOrKeepsAll(recording, cut(), excused);
          await quarantines(recording, cut(), path, excused);
        });
      }
    }
  });

  test(`open() gives the whole state or CORRUPT when the line feed behind any line of ${recording.name} is destroyed`, async () => {
    for (const path of filesOf(recording)) {
      const bytes = recording.disk.peek(path)!;
      // The end of every line, and the first of the line feeds written ahead.
      const feeds = [...bytes.keys()].filter((at) => bytes[at] === 10 && bytes[at - 2] !== 10);
      for (const at of feeds) {
        for (const byte of [0, 0x20, 0x2c, 0x30, 0x5b, 0x5d, 0x7d, 0xff]) {
          const damage = (bytes: Uint8Array) => bytes.fill(byte, at, at + 1);
          const excused = excusedAt(recording, path, at);
          await named(`${path} byte ${at} becomes ${byte}`, async () => {
            await failsOrKeepsAll(recording, damagedDisk(recording, path, damage), excused);
            await quarantines(recording, damagedDisk(recording, path, damage), path, excused);
          });
        }
      }
    }
  });
}

test("open() loses nothing and says so when the newest snapshot is rotten", async () => {
  for (const recording of recordings) {
    const snapshots = filesOf(recording).filter((path) => path.includes(".snapshot."));
    const newest = snapshots.at(-1);
    if (newest === undefined) continue;
    const disk = damagedDisk(recording, newest, (bytes) => flip(bytes, bytes.length >> 1, 3));
    const manager = await openDamaged(disk);
    assertEquals(manager.state.ids, recording.ids);
    assertEquals(manager.recovery.snapshotsSkipped.length, 1);
    assertEquals(manager.recovery.lost, null);
    assertEquals(disk.paths(`${DIRECTORY}/quarantine`).length, 1);
    await manager.close();
  }
});

function flip(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  bytes[at]! ^= 1 << bit;
  return bytes;
}
