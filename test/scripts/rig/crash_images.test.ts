// Tests what the rig derives from the log of a card: which images a power cut may leave, and which it may not.

import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Random } from "../../../testing/disk/random.ts";
import {
  CrashImages,
  type CrashRules,
  drawMoments,
  isJournalCommit,
  isNotText,
} from "../../../scripts/rig/crash_images.ts";
import { rulesOf } from "../../../scripts/rig/examine.ts";
import { type LogEntry, LoggedDisk } from "../../../scripts/rig/write_log.ts";

const SECTOR = 512;
const BLOCK = 4096;
const ALL: CrashRules = { isWhole: () => false };

function disk(): LoggedDisk {
  return new LoggedDisk(new Uint8Array(4 * BLOCK));
}

function filled(size: number, value: number): Uint8Array {
  return new Uint8Array(size).fill(value);
}

/** The first byte of each sector in many images at one moment. */
function images(disk: LoggedDisk, moment: number, rules = ALL, count = 200): number[][] {
  const random = new Random(moment);
  const images = new CrashImages(disk, rules);
  return Array.from({ length: count }, () => {
    const image = images.imageAt(moment, random);
    return Array.from({ length: image.length / SECTOR }, (_, sector) => image[sector * SECTOR]!);
  });
}

test("imageAt() has everything that a flush covered, and nothing that came after the moment", () => {
  const card = disk();
  card.write(0, filled(BLOCK, 1), false);
  card.flush();
  card.write(BLOCK, filled(BLOCK, 2), false);
  for (const sectors of images(card, 2)) {
    assertEquals(sectors.slice(0, 8), Array(8).fill(1));
    assertEquals(sectors.slice(8, 16), Array(8).fill(0));
  }
});

test("imageAt() keeps, loses and tears what was not flushed, at sectors and in any order", () => {
  const card = disk();
  card.write(0, filled(BLOCK, 1), false);
  card.write(BLOCK, filled(BLOCK, 2), false);
  const found = images(card, 2);
  const some = (predicate: (sectors: number[]) => boolean) => assert(found.some(predicate));
  some((sectors) => sectors.every((byte) => byte === 0));
  some((sectors) => sectors[0] === 1 && sectors[8] === 2);
  some((sectors) => sectors.slice(0, 8).every((byte) => byte === 0) && sectors[8] === 2);
  some((sectors) => sectors[0] === 1 && sectors[7] === 0);
  some((sectors) => sectors[0] === 0 && sectors[7] === 1);
});

test("imageAt() never loses a forced write, and never lets an older one overwrite it", () => {
  const card = disk();
  card.write(0, filled(SECTOR, 1), false);
  card.write(0, filled(SECTOR, 2), true);
  for (const sectors of images(card, 2)) assertEquals(sectors[0], 2);
});

test("imageAt() tears no block that must arrive whole", () => {
  const commit = filled(BLOCK, 7);
  new DataView(commit.buffer).setUint32(0, 0xc03b3998);
  new DataView(commit.buffer).setUint32(4, 2);
  assert(isJournalCommit(commit));
  assert(!isJournalCommit(filled(BLOCK, 7)));
  const card = disk();
  card.write(0, new Uint8Array([...filled(BLOCK, 5), ...commit]), false);
  const found = images(card, 1, { isWhole: isJournalCommit });
  for (const sectors of found) {
    assert(sectors.slice(9, 16).every((byte) => byte === sectors[15]), `torn: ${sectors}`);
  }
  assert(found.some((sectors) => sectors[0] !== sectors[7]), "text is torn all the same");
});

test("ext4's superblock is never torn, and its commits only when asked; on f2fs only text is, and on FAT everything", () => {
  const examination = { saved: disk(), subject: "", earlier: [], ignoresFlushes: false };
  const commit = filled(BLOCK, 7);
  new DataView(commit.buffer).setUint32(0, 0xc03b3998);
  new DataView(commit.buffer).setUint32(4, 2);
  const whole = (fileSystem: "ext4" | "f2fs" | "vfat", tearsCommits: boolean) => {
    const { isWhole } = rulesOf({ ...examination, fileSystem, tearsCommits });
    const text = new TextEncoder().encode("[1,2]\n");
    return [isWhole(text, 0), isWhole(text, BLOCK), isWhole(commit, BLOCK)];
  };
  assertEquals(whole("ext4", false), [true, false, true]);
  assertEquals(whole("ext4", true), [true, false, false]);
  assertEquals(whole("f2fs", false), [false, false, true]);
  assertEquals(whole("f2fs", true), [false, false, true]);
  assertEquals(whole("vfat", false), [false, false, false]);
});

test("isNotText() distinguishes a journal's lines and empty space from a file system's own blocks", () => {
  const text = new TextEncoder().encode('[1,{"by":10},0,1763852625200,"c189fa25"]\n\n\n');
  assert(!isNotText(text));
  assert(!isNotText(filled(BLOCK, 0)));
  assert(isNotText(filled(BLOCK, 200)));
});

test("imageAt() is the disk of an earlier moment when flushes are ignored", () => {
  const card = disk();
  for (let value = 1; value <= 4; value++) {
    card.write(0, filled(SECTOR, value), true);
    card.flush();
  }
  const found = new Set(images(card, 8, { ...ALL, ignoresFlushes: true }).map(([first]) => first));
  assertEquals([...found].sort(), [0, 1, 2, 3, 4]);
});

test("imageAt() refuses to go back", () => {
  const card = disk();
  card.flush();
  card.flush();
  const images = new CrashImages(card, ALL);
  images.imageAt(2, new Random(1));
  assertThrows(() => images.imageAt(1, new Random(1)), RangeError);
});

test("drawMoments() finds the rare intervals with metadata among many without", () => {
  const log: LogEntry[] = [{ at: "said", text: "ready" }];
  const rare = 1500;
  for (let i = 0; i < 1000; i++) {
    const bytes = filled(SECTOR, 3 * i === rare ? 200 : 32);
    log.push({ at: "write", offset: 0, bytes, forced: false });
    log.push({ at: "flush" });
    log.push({ at: "said", text: `ack /data/state ${i}` });
  }
  const moments = drawMoments(log, 30, new Random(7));
  assertEquals(moments, [...new Set(moments)].sort((a, b) => a - b));
  assert(moments.includes(log.length), "the moment of the kill itself");
  assert(moments.some((moment) => Math.abs(moment - rare) <= 3), `${moments}`);
});
