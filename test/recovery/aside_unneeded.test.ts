// Tests what happens to unneeded files that can't be moved away: fsck's part, and the one of whoever runs the program.

import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { IoError } from "@ministate/ministate";
import { EDITION_MAX, snapshotFile } from "../../src/disk/names.ts";
import type { DurableFs } from "../../src/durable_fs.ts";
import type { JournalWriter } from "../../src/journal/journal_writer.ts";
import type { StateDirectory } from "../../src/journal/state_directory.ts";
import { setSupersededAside, setUnusableAside } from "../../src/recovery/aside_unneeded.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { badDisk } from "../support/bad_disk.ts";
import { damagedSnapshot } from "../support/facts.ts";
import { IDENTITY } from "../support/segment.ts";
import { systemError } from "../support/wrapped_fs.ts";

const { directory: path, id } = IDENTITY;
const file = (sequence: number) => snapshotFile(IDENTITY, sequence);

/** A directory with snapshots, some of which can't be moved: each with what the system says. */
function directoryOf(codes: Record<number, string | null>): StateDirectory {
  const disk = freshDisk();
  disk.plantDirectory(path);
  const files = Object.keys(codes).map((sequence) => file(Number(sequence)));
  for (const { path } of files) disk.plant(path, new Uint8Array(9));
  const refuse = (path: string) => {
    const code = codes[files.find((file) => file.path === path)?.sequence ?? -1];
    if (code) throw systemError(code);
  };
  const { fs } = badDisk(disk);
  const own: DurableFs = {
    ...fs,
    async rename(from, to) {
      refuse(from);
      await fs.rename(from, to);
    },
    async remove(path) {
      refuse(path);
      await fs.remove(path);
    },
  };
  const there = () => files.filter(({ path }) => disk.peek(path) !== null);
  const list = () => Promise.resolve({ snapshots: there(), superseded: there() });
  const syncNames = () => fs.syncDirectory(path);
  return { path, fs: own, list, syncNames } as unknown as StateDirectory;
}

/** Moves unusable snapshots away for a journal that ends at 2; returns the editions that are begun. */
async function begunFor(codes: Record<number, string | null>, edition = 1): Promise<number[]> {
  const begun: number[] = [];
  const beginEdition = (edition: number) => Promise.resolve(begun.push(edition));
  const writer = { sequence: 2, identity: { edition }, beginEdition } as unknown as JournalWriter;
  const snapshots = Object.keys(codes).map((sequence) => damagedSnapshot(Number(sequence), id));
  await setUnusableAside(directoryOf(codes), snapshots, writer);
  return begun;
}

test("setUnusableAside() begins an edition beside a snapshot that only fsck can move, if it reaches further", async () => {
  assertEquals(await begunFor({ 1: "EBADMSG", 2: "EBADMSG" }), []);
  assertEquals(await begunFor({ 3: null, 4: null }), []);
  assertEquals(await begunFor({ 3: null, 4: "EBADMSG" }), [2]);
  assertEquals(await begunFor({ 4: "EBADMSG" }, EDITION_MAX - 1), [EDITION_MAX]);
});

test("setUnusableAside() fails when no edition is left, and when anything but fsck can help", async () => {
  await assertRejects(() => begunFor({ 4: "EBADMSG" }, EDITION_MAX), IoError, "EBADMSG");
  await assertRejects(() => begunFor({ 4: "EACCES" }), IoError, "EACCES");
  await assertRejects(() => begunFor({ 4: "EBADMSG", 6: "EACCES" }), IoError, "EACCES");
});

test("setSupersededAside() says of each file whether it was moved or stays", async () => {
  const { moved, stuck } = await setSupersededAside(
    directoryOf({ 3: null, 4: "EBADMSG", 5: null }),
  );
  const aside = (sequence: number) => `${path}/quarantine/${file(sequence).name}`;
  assertEquals({ moved, stuck }, { moved: [aside(3), aside(5)], stuck: [file(4).path] });
});
