// Tests the arithmetic of what was written, and that counting makes no synchronous call asynchronous.

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { DurableFile, DurableFs, MaybePromise } from "@ministate/ministate";
import { CountingFs } from "../../src/disk/counting_fs.ts";
import { newestTotals } from "../../src/wear/stats.ts";
import { cardYears, noWrites, pagesTouched } from "../../src/format/write_totals.ts";

const YEAR_MS = 365.25 * 86_400_000;

test("cardYears() divides a card's endurance by the rate, and returns null without a rate", () => {
  assertEquals(cardYears(1e12, 1e12, YEAR_MS), 1);
  assertEquals(cardYears(30e12, 1e9, YEAR_MS / 1000), 30);
  for (const [bytes, ms] of [[0, 1], [1, 0], [0, 0], [1, -1], [-1, 1], [NaN, 1]] as const) {
    assertEquals(cardYears(1e12, bytes, ms), null, `${bytes} bytes in ${ms} ms`);
  }
});

test("pagesTouched() counts each page that holds a byte of the write", () => {
  const rows = [[0, 1, 1], [0, 4096, 1], [0, 4097, 2], [4095, 1, 1], [4095, 2, 2], [
    100,
    12_288,
    4,
  ]];
  for (const [offset, size, pages] of rows) {
    assertEquals(pagesTouched(offset!, size!), pages! * 4096, `${size} at ${offset}`);
  }
});

test("newestTotals() takes the largest totals, and begins at zero when there are none", () => {
  const [less, more] = [1, 2].map((bytes) => ({ since: bytes, ...noWrites(), bytes }));
  assertEquals(newestTotals([less, more], 9), more);
  assertEquals(newestTotals([more, undefined], 9), more);
  assertEquals(newestTotals([undefined, undefined], 9), { since: 9, ...noWrites() });
});

/** A file that takes at most `most` bytes at a time, synchronously or later. */
function fileOf(later: boolean, most = Infinity): DurableFile {
  const answer = <T>(value: T): MaybePromise<T> => later ? Promise.resolve(value) : value;
  return {
    read: () => answer(0),
    write: (buffer) => answer(Math.min(buffer.length, most)),
    syncData: () => answer(undefined),
    syncAll: () => answer(undefined),
    truncate: () => answer(undefined),
    size: () => answer(7),
    identity: () => answer({ device: 1, inode: 7, links: 1 }),
    close: () => answer(undefined),
  };
}

function countingFs(file: DurableFile): CountingFs {
  return new CountingFs({ open: () => Promise.resolve(file) } as unknown as DurableFs);
}

test("CountingFs is synchronous where the file is, and asynchronous where it is not", async () => {
  for (const later of [false, true]) {
    const fs = countingFs(fileOf(later));
    const file = await fs.open("/a", "write");
    const bytes = new Uint8Array(100);
    const calls: (() => unknown)[] = [
      () => file.write(bytes, 0),
      () => file.syncData(),
      () => file.syncAll(),
      () => file.read(bytes, 0),
      () => file.truncate(0),
      () => file.size(),
      () => file.close(),
    ];
    for (const call of calls) {
      const answer = call();
      assertEquals(answer instanceof Promise, later, `${call}`);
      await answer;
    }
    assertEquals(await file.write(bytes, 0), 100);
    assertEquals({ ...fs.written }, {
      ...noWrites(),
      writes: 2,
      bytes: 200,
      cardBytes: 8192,
      syncs: 2,
    });
  }
});

test("CountingFs counts what a short write took, a page once until it is synced, and no files of readers", async () => {
  const inner = fileOf(false, 5000);
  const fs = countingFs(inner);
  assert(await fs.open("/a", "read") === inner);
  const file = await fs.open("/a", "create");
  const cost = async (offset: number, size: number) => {
    const before = fs.written.cardBytes;
    await file.write(new Uint8Array(size), offset);
    return (fs.written.cardBytes - before) / 4096;
  };
  assertEquals(await cost(0, 20_000), 2);
  assertEquals(fs.written.bytes, 5000);
  // On in the second page, the third, and back over all of them.
  assertEquals([await cost(5000, 100), await cost(5100, 5000), await cost(4000, 200)], [0, 1, 0]);
  // Apart from them, below that, and over it from before.
  assertEquals([await cost(80_000, 10), await cost(60_000, 10), await cost(56_000, 5000)], [
    1,
    1,
    1,
  ]);
  await file.syncData();
  assertEquals([await cost(60_000, 10), await cost(60_010, 10)], [1, 0]);
});
