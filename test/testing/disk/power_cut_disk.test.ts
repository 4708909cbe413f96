// Tests that the simulated disk follows its fault model: what is lost, kept, torn, dropped, garbled and delayed.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  ANY_POWER_CUT,
  crashImages,
  isPowerCut,
  type PowerCut,
  PowerCutDisk,
  Random,
  SpecialFile,
} from "../../../testing.ts";
import { EveryChoice } from "../../../testing/disk/chooser.ts";
import { EXTREMES } from "../../../testing/disk/power_cut.ts";

const SECTOR_SIZE = 512;
const LOST: PowerCut = EXTREMES.lost;

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textAt(disk: PowerCutDisk, path: string): string | null {
  const content = disk.peek(path);
  return content === null ? null : new TextDecoder().decode(content);
}

/** A disk with the file /a, synced, that holds "old". */
async function diskWithFile(): Promise<PowerCutDisk> {
  const disk = new PowerCutDisk();
  disk.plant("/a", bytes("old"));
  await Promise.resolve();
  return disk;
}

/** Everything that a power cut of any kind can turn a file into, sorted. */
function everyText(disk: PowerCutDisk, path: string, rules: PowerCut = ANY_POWER_CUT): string[] {
  const every = new EveryChoice();
  const texts = new Set<string>();
  do texts.add(textAt(disk.image().powerCut(rules, every), path) ?? "(gone)"); while (
    every.advance()
  );
  return [...texts].sort();
}

test("powerCut() loses or keeps a write that was not synced, and always keeps one that was", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  await file.write(bytes("new"), 0);
  assertEquals(everyText(disk, "/a"), ["new", "old"]);
  await file.syncData();
  assertEquals(everyText(disk, "/a"), ["new"]);
});

test("powerCut() tears a write into sectors, each kept or lost independently", async () => {
  const disk = new PowerCutDisk();
  disk.plant("/a", new Uint8Array(3 * SECTOR_SIZE).fill(0x6f));
  const file = await disk.open("/a", "write");
  await file.write(new Uint8Array(3 * SECTOR_SIZE).fill(0x6e), 0);
  const sectors = everyText(disk, "/a")
    .map((text) => [0, 1, 2].map((sector) => text[sector * SECTOR_SIZE]).join(""));
  assertEquals(sectors.sort(), ["nnn", "nno", "non", "noo", "onn", "ono", "oon", "ooo"]);
  for (const text of everyText(disk, "/a")) {
    for (let at = 0; at < text.length; at++) {
      assertEquals(text[at], text[at - at % SECTOR_SIZE], "a sector is torn");
    }
  }
});

test("powerCut() keeps a later write and loses an earlier one", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  await file.write(bytes("1"), 0);
  await file.write(bytes("2"), 1);
  assertEquals(everyText(disk, "/a"), ["12d", "1ld", "o2d", "old"]);
});

test("powerCut() gives a file its old size, its new one or one in between", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  await file.write(bytes("er"), 3);
  await file.truncate(1);
  const rules = { ...ANY_POWER_CUT, writes: "kept" as const };
  assertEquals(everyText(disk, "/a", rules), ["o", "old", "older"]);
});

test("powerCut() leaves zeros, rubbish or ghosts where a file grew without its bytes", async () => {
  const disk = new PowerCutDisk();
  disk.plant("/a", bytes("ab"));
  const file = await disk.open("/a", "write");
  await file.truncate(1);
  await file.syncData();
  await file.write(bytes("X"), 1);
  const grown = (kind: "zeros" | "rubbish" | "ghosts") =>
    disk.powerCut({ ...LOST, sizes: "new", grown: kind }, new Random(3)).peek("/a")!;
  assertEquals([...grown("zeros")], [0x61, 0]);
  assertEquals([...grown("ghosts")], [0x61, 0x62]);
  assertEquals(grown("rubbish").length, 2);
});

test("powerCut() keeps or loses each name until its directory is synced", async () => {
  const disk = await diskWithFile();
  disk.plantDirectory("/d");
  await (await disk.open("/d/new", "create")).close();
  await disk.rename("/a", "/b");
  const names = () => {
    const every = new EveryChoice();
    const found = new Set<string>();
    do found.add(disk.image().powerCut(ANY_POWER_CUT, every).paths("").join()); while (
      every.advance()
    );
    return [...found].sort();
  };
  assertEquals(names(), ["/a", "/a,/d/new", "/b", "/b,/d/new"]);
  await disk.syncDirectory("/d");
  assertEquals(names(), ["/a,/d/new", "/b,/d/new"]);
  await disk.syncDirectory("/");
  assertEquals(names(), ["/b,/d/new"]);
});

test("powerCut() lets a rename arrive before the bytes, unless renames are ordered", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/tmp", "create");
  await file.write(bytes("new"), 0);
  await disk.rename("/tmp", "/a");
  const texts = (renames: "ordered" | "unordered") =>
    everyText(disk, "/a", { ...ANY_POWER_CUT, grown: "zeros", renames });
  assertEquals(texts("ordered"), ["new", "old"]);
  assertEquals(texts("unordered"), ["", "\0\0\0", "new", "old"]);
});

test("crash() keeps the page cache and makes nothing durable", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  await file.write(bytes("new"), 0);
  const next = disk.crash();
  assertEquals(textAt(next, "/a"), "new");
  assertEquals(everyText(next, "/a"), ["new", "old"]);
  assert(isPowerCut(await assertRejects(async () => await file.size())));
});

test("cutAt ends the program at that call, which may still have reached the disk", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  disk.cutAt = disk.calls + 1;
  assert(isPowerCut(await assertRejects(async () => await file.write(bytes("new"), 0))));
  assert(isPowerCut(await assertRejects(async () => await file.syncData())));
  assertEquals(everyText(disk, "/a"), ["new", "old"]);
});

test("a failing sync drops the pages, and the next one succeeds without writing them", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  const texts = new Set<string | null>();
  for (let round = 0; round < 20; round++) {
    await file.write(bytes(`${round % 10}xx`), 0);
    disk.fault = { at: disk.calls + 1, how: "EIO" };
    await assertRejects(async () => await file.syncData());
    disk.fault = null;
    await file.syncData();
    const durable = textAt(disk.image().powerCut(LOST, new Random(1)), "/a");
    texts.add(durable === `${round % 10}xx` ? "arrived" : "dropped");
    assertEquals(textAt(disk, "/a"), `${round % 10}xx`);
  }
  assertEquals([...texts].sort(), ["arrived", "dropped"]);
});

test("a sync covers what was written before it began, and nothing written meanwhile", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  disk.syncDelayMs = 5;
  await file.write(bytes("1"), 0);
  const syncing = file.syncData();
  await file.write(bytes("2"), 1);
  await syncing;
  assertEquals(everyText(disk, "/a"), ["12d", "1ld"]);
});

test("fault makes calls short, garbled or failing, once or from then on", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  disk.fault = { at: disk.calls + 1, how: "short" };
  assertEquals(await file.write(bytes("1234"), 0), 2);
  assertEquals(await file.write(bytes("1234"), 0), 4);
  disk.fault = { at: disk.calls + 1, how: "garbled" };
  assertEquals(await file.write(bytes("aaaa"), 0), 4);
  const garbled = textAt(disk, "/a")!;
  assertEquals([...garbled].filter((letter) => letter !== "a").length, 1);
  disk.fault = { at: disk.calls + 1, how: "ENOSPC", sticky: true };
  assertEquals(await file.size(), 4);
  for (let i = 0; i < 2; i++) {
    const error = await assertRejects(async () => await file.truncate(0));
    assertEquals((error as { code?: string }).code, "ENOSPC");
  }
  assertEquals(disk.faults, 4);
});

test("spaceLeft makes a write that doesn't fit short, then failing, and removing files frees space again", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  disk.spaceLeft = 2;
  assertEquals(await file.write(bytes("12345"), 1), 4);
  const error = await assertRejects(async () => await file.write(bytes("12"), 5));
  assertEquals((error as { code?: string }).code, "ENOSPC");
  await disk.remove("/a");
  assertEquals(disk.spaceLeft, 5);
});

test("flipBit() and unplant() change durable bytes", async () => {
  const disk = await diskWithFile();
  disk.flipBit("/a", 0, 1);
  assertEquals(textAt(disk, "/a"), "mld");
  disk.unplant("/a");
  assertEquals(textAt(disk, "/a"), null);
});

test("crashImages() gives every image once when there are few, and draws when there are many", async () => {
  const disk = new PowerCutDisk();
  disk.plant("/a", new Uint8Array(2 * SECTOR_SIZE));
  const file = await disk.open("/a", "write");
  await file.write(new Uint8Array(2 * SECTOR_SIZE).fill(1), 0);
  const few = [...crashImages(disk.image())].map((image) => image.peek("/a")!.join());
  assertEquals([few.length, new Set(few).size], [4, 4]);
  for (let i = 0; i < 40; i++) await file.write(new Uint8Array(SECTOR_SIZE).fill(i), i * 600);
  const many = [...crashImages(disk, { imagesMax: 50, seed: 5 })].map((image) =>
    image.fingerprint()
  );
  assert(many.length > 40 && many.length <= 54, `${many.length} images`);
  assertEquals(new Set(many).size, many.length);
  const again = [...crashImages(disk, { imagesMax: 50, seed: 5 })].map((image) =>
    image.fingerprint()
  );
  assertEquals(again, many);
});

test("fingerprint() distinguishes disks that differ in one byte, while a file is being written too", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  const prints: number[] = [disk.fingerprint()];
  for (const letter of ["x", "y", "x"]) {
    await file.write(bytes(letter), 1);
    prints.push(disk.fingerprint());
  }
  assertEquals(new Set(prints).size, 3);
  assertEquals(prints[1], prints[3]);
  assertEquals(disk.image().fingerprint(), prints[3]);
});

test("a file cut after a failed sync has the right size once the cut is synced", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  await file.write(bytes("longer"), 0);
  disk.fault = { at: disk.calls + 1, how: "EIO" };
  assertEquals(await codeOf(() => file.syncAll()), "EIO");
  disk.fault = null;
  await file.truncate(2);
  await file.syncAll();
  assert(everyText(disk, "/a").every((text) => text.length === 2), `${everyText(disk, "/a")}`);
});

test("open files answer at once or with a promise, as the seed decides", async () => {
  for (const [seed, atOnce] of [[3, true], [4, false]] as const) {
    const disk = new PowerCutDisk(seed);
    const file = await disk.open("/a", "create");
    const answers = [file.write(bytes("a"), 0), file.syncData(), file.size(), file.close()];
    for (const answer of answers) assertEquals(!(answer instanceof Promise), atOnce);
    await Promise.all(answers);
  }
});

/** The system's code that a call rejects with. */
async function codeOf(call: () => unknown): Promise<string | undefined> {
  const error = await assertRejects(async () => void await call());
  return (error as { code?: string }).code;
}

test("fault can perform a call and still report a failure", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  disk.fault = { at: disk.calls + 1, how: "late EIO", sticky: true };
  assertEquals(await codeOf(() => file.write(bytes("new"), 0)), "EIO");
  assertEquals(await codeOf(() => disk.rename("/a", "/b")), "EIO");
  assertEquals(textAt(disk, "/b"), "new");
});

test("fault makes a failing write take half of its bytes, and a failing close still close", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  disk.fault = { at: disk.calls + 1, how: "EIO", sticky: true };
  assertEquals(await codeOf(() => file.write(bytes("XXX"), 0)), "EIO");
  assertEquals(textAt(disk, "/a"), "Xld");
  assertEquals(await codeOf(() => file.close()), "EIO");
  disk.fault = null;
  assertEquals(await codeOf(() => file.size()), "EBADF");
});

test("fault makes a read return half of the bytes", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "read");
  disk.fault = { at: disk.calls + 1, how: "short" };
  assertEquals(await file.read(new Uint8Array(4), 0), 2);
  assertEquals(await file.read(new Uint8Array(4), 0), 3);
});

test("truncating a file at its end changes nothing, and beyond its end only its size", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  const before = disk.peek("/a")!;
  await file.truncate(before.length);
  assertEquals(disk.peek("/a"), before);
  await file.truncate(before.length + 2);
  assertEquals(disk.peek("/a"), new Uint8Array([...before, 0, 0]));
  await file.close();
});

test("a failing sync keeps sizes, and may drop the bytes in them", async () => {
  const disk = await diskWithFile();
  const file = await disk.open("/a", "write");
  await file.write(bytes("er and older"), 3);
  await file.truncate(9);
  disk.fault = { at: disk.calls + 1, how: "EIO" };
  assertEquals(await codeOf(() => file.syncAll()), "EIO");
  assertEquals(disk.powerCut(LOST, new Random(1)).peek("/a")!.length, 9);
});

test("a failing sync covers no name: on FAT it still leads to an empty file", async () => {
  for (const syncs of [true, false]) {
    const disk = new PowerCutDisk();
    const file = await disk.open("/a", "create");
    await file.write(bytes("kept"), 0);
    await file.syncAll();
    await disk.rename("/a", "/b");
    await disk.syncDirectory("/");
    if (!syncs) disk.fault = { at: disk.calls + 1, how: "EIO" };
    const synced = await Promise.resolve().then(() => file.syncAll()).then(() => true, () => false);
    assertEquals(synced, syncs);
    const after = disk.powerCut(EXTREMES.blank, new Random(1));
    assertEquals(after.peek("/b")?.length, syncs ? 4 : 0);
  }
});

test("copyOnWrite makes overwriting take space, and is off at first", async () => {
  const disk = new PowerCutDisk();
  assertEquals(disk.copyOnWrite, false);
  const file = await disk.open("/a", "create");
  await file.write(bytes("1234"), 0);
  disk.spaceLeft = 0;
  assertEquals(await file.write(bytes("5678"), 0), 4);
  disk.copyOnWrite = true;
  assertEquals(disk.copyOnWrite, true);
  const error = await assertRejects(async () => void await file.write(bytes("9"), 0));
  assertEquals((error as { code?: string }).code, "ENOSPC");
});

test("plantLink() gives a file one more name, which stays when the other goes", async () => {
  const disk = new PowerCutDisk();
  disk.plant("/a", bytes("same"));
  disk.plantLink("/a", "/b");
  assertEquals(disk.identity("/b"), disk.identity("/a"));
  assertEquals(disk.identity("/b").links, 2);
  await disk.remove("/a");
  assertEquals([disk.peek("/b"), disk.identity("/b").links], [bytes("same"), 1]);
  assertThrows(() => disk.plantLink("/a", "/c"), Error, "ENOENT");
});

test("identity() knows the root, which has its own name", () => {
  const disk = new PowerCutDisk();
  assertEquals(disk.identity("/").links, 1);
  assertEquals(disk.identity("/").inode, disk.identity("/").inode);
});

test("paths lead only through directories", async () => {
  const disk = await diskWithFile();
  assertEquals(await codeOf(() => disk.open("/a/b/c", "read")), "ENOTDIR");
  assertEquals(await codeOf(() => disk.list("/a")), "ENOTDIR");
  assertEquals(disk.paths("/none"), []);
  assertEquals(disk.peek("/none"), null);
  let code: string | undefined;
  try {
    disk.flipBit("/none", 0, 0);
  } catch (error) {
    code = (error as { code?: string }).code;
  }
  assertEquals(code, "ENOENT");
});

test("a directory that was renamed, and a link, are there after a power cut", async () => {
  const disk = await diskWithFile();
  disk.plantDirectory("/d");
  disk.plant("/d/link", new SpecialFile("link"));
  await disk.rename("/d", "/e");
  await disk.syncDirectory("/");
  const image = disk.image().powerCut(LOST, new Random(1));
  assertEquals(image.paths("/e"), ["/e/link"]);
  assertEquals(image.fingerprint(), disk.fingerprint());
  await image.remove("/e/link");
  assertEquals(image.paths("/e"), []);
});

test("create leaves an existing name alone when the power goes during it", async () => {
  const disk = await diskWithFile();
  disk.cutAt = disk.calls + 1;
  const error = await assertRejects(() => disk.open("/a", "create"));
  assert(isPowerCut(error) && isPowerCut(new Error("wrapped", { cause: error })));
  assert(!isPowerCut(new Error("other")));
  assertEquals(everyText(disk, "/a"), ["old"]);
});

test("Random draws the same from the same seed, within bounds", () => {
  const draw = (random: Random) => [random.below(6), random.choose(3), random.pick(["a", "b"])];
  assertEquals(draw(new Random(9)), draw(new Random(9)));
  const random = new Random(1);
  const counts = [0, 0, 0];
  for (let i = 0; i < 3000; i++) counts[random.below(3)]!++;
  assert(counts.every((count) => count > 900), `${counts}`);
  assertEquals([random.chance(1), random.chance(0)], [true, false]);
});

test("holdsSame() compares a file's bytes, wherever they came from", async () => {
  const disk = await diskWithFile();
  const other = new PowerCutDisk();
  assertEquals(disk.holdsSame("/a", other), false);
  other.plant("/a", bytes("old"));
  assertEquals(disk.holdsSame("/a", other), true);
  assertEquals(disk.holdsSame("/a", disk.image()), true);
  other.plant("/a", bytes("olD"));
  assertEquals(disk.holdsSame("/a", other), false);
  other.plant("/a", bytes("older"));
  assertEquals(disk.holdsSame("/a", other), false);
});
