// Tests reading a journal whose files are deleted or damaged meanwhile.

import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  CorruptionError,
  type DirectoryEntry,
  HistoryGoneError,
  IoError,
  StateManager,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { freshDisk } from "../../simulation/workloads.ts";
import { collector, DIRECTORY, NAME, within, World } from "../../simulation/world.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";

/** The disk, whose next listings of the state directory are those of a moment ago. */
function lagging(
  fs: PowerCutDisk,
  stale: DirectoryEntry[],
  lag: { left: number },
): PowerCutDisk {
  return new Proxy(fs, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (key !== "list") return typeof value === "function" ? value.bind(target) : value;
      return (path: string) =>
        path === DIRECTORY && lag.left-- > 0 ? Promise.resolve(stale) : target.list(path);
    },
  });
}

/** A directory from which compaction deletes the first segment, and the listing from before that. */
async function compacted(): Promise<{ fs: PowerCutDisk; stale: DirectoryEntry[] }> {
  const fs = freshDisk();
  const world = new World();
  const manager = await world.open(fs);
  await world.apply(manager);
  const stale = await fs.list(DIRECTORY);
  for (let i = 0; i < 3; i++) {
    await world.apply(manager);
    await manager.compact();
  }
  await manager.close();
  return { fs, stale };
}

/** Reads to the end, or until there are `count`. */
async function read(records: AsyncIterable<unknown>, count = Infinity): Promise<void> {
  let seen = 0;
  for await (const _ of records) if (++seen === count) return;
}

test("Journal.open() for reading looks again when the writer deletes a segment it was about to read", async () => {
  const { fs, stale } = await compacted();
  for (const count of [1, 4]) {
    const journal = await Journal.open(DIRECTORY, NAME, {
      fs: lagging(fs, stale, { left: count }),
      readOnly: true,
    });
    assertEquals(journal.sequence, 4);
    await journal.close();
  }
});

test("Journal.open() for reading reports a file as missing when it stays so", async () => {
  const { fs, stale } = await compacted();
  const error = await Journal.open(DIRECTORY, NAME, {
    fs: lagging(fs, stale, { left: Infinity }),
    readOnly: true,
  }).then(() => null, (error) => error);
  assert(error !== null);
  assertEquals(error.systemCode, "ENOENT");
});

test("Journal.open() for writing fails at once when the journal is damaged, since nobody else changes it", async () => {
  const { fs } = await compacted();
  const path = fs.paths(DIRECTORY).filter((path) => path.includes(".wal.")).at(-1)!;
  const bytes = fs.peek(path)!;
  bytes[20]! ^= 1;
  fs.plant(path, bytes);
  for (const [readOnly, attempts] of [[false, 1], [true, 5]] as const) {
    const before = fs.log.length;
    await assertRejects(() => Journal.open(DIRECTORY, NAME, { fs, readOnly }), CorruptionError);
    const listings = fs.log.slice(before).filter((call) => call === `list ${DIRECTORY}`);
    assertEquals(listings.length, attempts);
  }
});

test("replay() and changes() say that history is gone when the segment they were about to read is deleted", async () => {
  const { fs, stale } = await compacted();
  // The files are listed as they are when the journal is opened, and as they were a moment ago when it is read.
  const lag = { left: 0 };
  const options = { fs: lagging(fs, stale, lag), readOnly: true };
  await using journal = await Journal.open(DIRECTORY, NAME, options);
  for (const count of [1, 2]) {
    lag.left = count;
    await assertRejects(() => read(journal.replay({ from: 1 })), HistoryGoneError);
  }
  await using manager = await StateManager.open(DIRECTORY, NAME, collector, options);
  lag.left = 1;
  await assertRejects(() => read(manager.changes({ from: 1 })), HistoryGoneError);
});

test("replay() reports a segment as missing when the listing still names it", async () => {
  const { fs, stale } = await compacted();
  const lag = { left: 0 };
  const options = { fs: lagging(fs, stale, lag), readOnly: true };
  await using journal = await Journal.open(DIRECTORY, NAME, options);
  lag.left = Infinity;
  const error = await assertRejects(() => read(journal.replay({ from: 1 })), IoError);
  assertEquals(error.systemCode, "ENOENT");
});

for (const readOnly of [false, true]) {
  const beside = readOnly ? "at rest" : "being written";
  test(`replay() and changes() reject when a record rots in the newest segment of a journal ${beside}`, async () => {
    for (const damage of ["flipped", "cut"]) {
      const fs = freshDisk();
      const world = new World();
      const writing = await world.open(fs);
      for (let i = 0; i < 3; i++) await world.apply(writing);
      if (readOnly) await writing.close();
      const manager = readOnly
        ? await StateManager.open(DIRECTORY, NAME, collector, { fs, readOnly })
        : writing;
      const path = manager.journalPath;
      const bytes = fs.peek(path)!;
      const at = new TextDecoder().decode(bytes).indexOf("[2,") + 8;
      if (damage === "flipped") bytes[at]! ^= 1;
      fs.plant(path, damage === "flipped" ? bytes : bytes.fill(10, at - 8));
      const expected = damage === "flipped" ? CorruptionError : HistoryGoneError;
      const error = await assertRejects(
        () => within(read(manager.changes({ from: 1 }), 3)),
        expected,
      );
      assertEquals(error.sequence, 2);
      await manager.close();
    }
  });
}
