/**
 * What is promised about the place: a manager touches only the directory whose lock it holds, whatever its path
 * means later, and acknowledges nothing that has no name.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { DurableFile, DurableFs } from "@ministate/ministate";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { badDisk } from "../test/support/bad_disk.ts";
import { openDamaged } from "./damage_oracle.ts";
import { codeOf, fileOf, openingOf, type Promised } from "./promised.ts";
import type { Tally } from "./tally.ts";
import { DIRECTORY, type Manager, World } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const PLACE: readonly Promised[] = [
  { name: "another directory under the path is left alone", keep: othersAreLeftAlone },
  { name: "what is acknowledged has a name", keep: acknowledgedIsNamed },
  { name: "the directory is locked, not only its lock file", keep: directoryIsLocked },
  { name: "a rotten lock file doesn't prevent opening", keep: rottenLockIsNoObstacle },
  { name: "a state that vanishes while it is opened is not recreated", keep: vanishedIsMissed },
  { name: "a backup of hard links keeps what it has", keep: hardLinksAreKept },
  { name: "a reader knows its journal under any number", keep: readersKnowTheirJournal },
];

const AWAY = "/data/away";
const OTHER = "/data/other";

/** The disk, with `before` called at each look at a path and each sync of a file, but never between a look and its act. */
function watched(disk: PowerCutDisk, before: () => void | Promise<void>): DurableFs {
  const watch = (file: DurableFile): DurableFile => ({
    read: (buffer, offset) => file.read(buffer, offset),
    write: (buffer, offset) => file.write(buffer, offset),
    syncData: async () => {
      await before();
      await file.syncData();
    },
    syncAll: async () => {
      await before();
      await file.syncAll();
    },
    truncate: (size) => file.truncate(size),
    size: () => file.size(),
    identity: () => file.identity(),
    close: () => file.close(),
  });
  return {
    open: async (path, mode) => watch(await disk.open(path, mode)),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    list: (path) => disk.list(path),
    makeDirectory: (path) => disk.makeDirectory(path),
    syncDirectory: (path) => disk.syncDirectory(path),
    lock: (path, directory) => disk.lock(path, directory),
    lockDirectory: (path) => disk.lockDirectory(path),
    identity: async (path) => {
      await before();
      return disk.identity(path);
    },
    resolve: (path) => disk.resolve(path),
    crc32: (bytes, seed) => disk.crc32(bytes, seed),
  };
}

/** A short life: mutations, snapshots, a new segment, the past, the end. Returns what was acknowledged. */
async function live(manager: Manager): Promise<{ acknowledged: number[]; codes: Set<string> }> {
  const acknowledged: number[] = [];
  const codes = new Set<string>();
  const note = async (call: () => Promise<unknown>) => codes.add(await codeOf(call));
  const apply = (id: number, pad?: string) =>
    note(async () => {
      await manager.apply({ id, pad });
      acknowledged.push(id);
    });
  await apply(1);
  await note(() => manager.compact());
  await apply(2);
  await note(() => manager.compact());
  await apply(3, "x".repeat(70_000));
  await note(() => manager.stateAt(manager.sequence));
  await apply(4);
  await note(() => manager.close());
  return { acknowledged, codes };
}

/** Every file below a directory, with its bytes. */
function contentOf(disk: PowerCutDisk, path: string): [string, string][] {
  return disk.paths(path).map((file) => [
    file.slice(path.length),
    new TextDecoder("latin1").decode(disk.peek(file)!),
  ]);
}

async function othersAreLeftAlone(tally: Tally): Promise<void> {
  for (let at = 0, reached = true; reached; at++) {
    const disk = freshDisk();
    const world = new World();
    const theirs = await world.open(disk);
    for (let i = 0; i < 3; i++) await world.apply(theirs);
    await theirs.createSnapshot();
    await theirs.close();
    await disk.rename(DIRECTORY, OTHER);
    const before = contentOf(disk, OTHER);
    let looks = Infinity;
    const fs = watched(disk, async () => {
      if (looks-- !== 0) return;
      await disk.rename(DIRECTORY, AWAY);
      await disk.rename(OTHER, DIRECTORY);
    });
    const manager = await openDamaged(fs as PowerCutDisk, { segmentSizeMax: 64 * 1024 });
    looks = at;
    const { acknowledged, codes } = await live(manager);
    reached = looks < 0;
    if (!reached) break;
    const where = `another directory took the path at look ${at}`;
    assertEquals(contentOf(disk, DIRECTORY), before, where);
    assert(codes.has("DIRECTORY_GONE"), `${where}, and nobody reported it`);
    await disk.rename(DIRECTORY, OTHER);
    await disk.rename(AWAY, DIRECTORY);
    const again = await openDamaged(disk);
    const ids = [...again.state.ids];
    assertEquals(ids.slice(0, acknowledged.length), acknowledged, where);
    await again.close();
    tally.state("place", "left alone");
  }
}

async function acknowledgedIsNamed(tally: Tally): Promise<void> {
  const disk = freshDisk();
  const manager = await openDamaged(disk);
  await manager.apply({ id: 1 });
  await disk.remove(fileOf(disk, "w-0000000000000001.wal"));
  assertEquals(await codeOf(() => manager.apply({ id: 2 })), "DIRECTORY_GONE");
  assertEquals(await codeOf(() => manager.close()), "DIRECTORY_GONE");
  assertEquals([...manager.state.ids], [1]);
  tally.state("place", "nothing acknowledged");
}

async function directoryIsLocked(tally: Tally): Promise<void> {
  const disk = freshDisk();
  const manager = await openDamaged(disk);
  await disk.remove(`${DIRECTORY}/ministate.lock`);
  assertEquals(await openingOf(disk), "LOCKED", "a second writer, with its own lock file");
  assertEquals(await codeOf(() => manager.close()), "DIRECTORY_GONE");
  assertEquals(await openingOf(disk), "opened");
  tally.state("place", "locked");
}

async function rottenLockIsNoObstacle(tally: Tally): Promise<void> {
  const disk = freshDisk();
  const world = new World();
  await (await world.open(disk)).close();
  for (const code of ["EBADMSG", "EUCLEAN", "EIO"]) {
    const fs = badDisk(disk, { part: "ministate.lock", code }).fs as PowerCutDisk;
    const manager = await world.open(fs);
    assert(manager.recovery.lockFileDamage?.includes(code), `nothing reported ${code}`);
    await world.apply(manager);
    assertEquals(await openingOf(disk), "LOCKED", "a second writer, who can open the lock file");
    assertEquals(await openingOf(fs), "LOCKED", "a second writer, who can't either");
    await manager.close();
    const other = await world.open(disk);
    assertEquals(await openingOf(fs), "LOCKED", "a second writer, who can't open the lock file");
    await other.close();
    tally.state("place", "lock rotten");
  }
}

async function vanishedIsMissed(tally: Tally): Promise<void> {
  for (let at = 0, reached = true; reached; at++) {
    const disk = freshDisk();
    const world = new World();
    const manager = await world.open(disk);
    await world.apply(manager);
    await manager.close();
    let looks = at;
    // Another directory, with nothing in it, as when a file system is unmounted.
    const fs = watched(disk, async () => {
      if (looks-- !== 0) return;
      await disk.rename(DIRECTORY, AWAY);
      await disk.makeDirectory(DIRECTORY);
    });
    const found = await openingOf(fs as PowerCutDisk, { create: false });
    reached = looks < 0;
    const where = `the state vanished at look ${at}`;
    // A directory that vanishes during the last steps is refused with the error of that step.
    assertEquals(found === "opened", !reached, `${where}: ${found}`);
    const made = disk.paths(DIRECTORY).filter((path) => !path.endsWith("/ministate.lock"));
    if (reached) assertEquals(made, [], `${where}, and a new one was begun`);
    tally.state("place", "vanished");
  }
}

async function hardLinksAreKept(tally: Tally): Promise<void> {
  const disk = freshDisk();
  const writer = await openDamaged(disk);
  await writer.apply({ id: 1 });
  await writer.close();
  const path = fileOf(disk, "w-0000000000000001.wal");
  disk.plantDirectory(OTHER);
  disk.plantLink(path, `${OTHER}/kept`);
  const before = contentOf(disk, OTHER);
  const manager = await openDamaged(disk);
  await manager.apply({ id: 2 });
  await manager.close();
  assertEquals(contentOf(disk, OTHER), before);
  tally.state("place", "kept");
}

/** The disk, on which every file and directory has the same number. */
function numberless(disk: PowerCutDisk): DurableFs {
  return { ...watched(disk, () => {}), identity: () => ({ device: 1, inode: 1, links: 1 }) };
}

async function readersKnowTheirJournal(tally: Tally): Promise<void> {
  const disk = freshDisk();
  for (const place of [OTHER, DIRECTORY]) {
    const writer = await openDamaged(disk);
    for (const id of [1, 2]) await writer.apply({ id: place === OTHER ? -id : id });
    await writer.close();
    if (place === OTHER) await disk.rename(DIRECTORY, OTHER);
  }
  const reader = await openDamaged(numberless(disk) as PowerCutDisk, { readOnly: true });
  const follower = reader.changes({ from: 2, follow: true });
  assertEquals((await follower.next()).value?.sequence, 2);
  await disk.rename(DIRECTORY, AWAY);
  await disk.rename(OTHER, DIRECTORY);
  const calls: Record<string, () => Promise<unknown>> = {
    "history": () => reader.changes({ from: 1 }).next(),
    "the past": () => reader.stateAt(2),
    "a backup": () => reader.backup("/data/copy"),
    // Last, because a follower that is fooled waits forever.
    "a follower": () => follower.next(),
  };
  for (const [name, call] of Object.entries(calls)) {
    assertEquals(await codeOf(call), "DIRECTORY_GONE", `${name} is another journal's`);
  }
  await reader.close();
  tally.state("place", "known");
}
