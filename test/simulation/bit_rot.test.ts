// Flips bits and cuts files at every byte of recorded directories: never a silently wrong state.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { ROTS } from "../../simulation/bit_rot.ts";
import { openDamaged } from "../../simulation/damage_oracle.ts";
import { damagedDisk, filesOf, record } from "../../simulation/recordings.ts";
import { EVERYTHING } from "../../simulation/slice.ts";
import { UNCOUNTED } from "../../simulation/tally.ts";
import { DIRECTORY } from "../../simulation/world.ts";
import { SHARE } from "../support/share.ts";

const recordings = await record();

for (const recording of recordings) {
  for (const { name, explore } of ROTS) {
    // Line feeds are few.
    const slice = name === "any line feed is destroyed" ? EVERYTHING : SHARE;
    test(`open() gives the whole state or says what is lost when ${name} of ${recording.name}`, async () => {
      let states = 0;
      await explore(recording, slice, { ...UNCOUNTED, state: () => states++ });
      assert(states >= 40, `only ${states} directories were checked`);
    });
  }
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
