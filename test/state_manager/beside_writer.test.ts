// Tests reading beside a writer in another process: nothing is shown that a power cut could still take back.

import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type DurableFile,
  type DurableFs,
  IoError,
  StateManager,
  type StateManagerOptions,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { crashImages, PowerCutDisk } from "@ministate/ministate/testing";
import { documentMutator, type Patch } from "../../cli/document.ts";
import { runHere } from "../support/command_in_process.ts";
import { systemError } from "../support/wrapped_fs.ts";

const DIRECTORY = "/data/state";
const NAME = "document.wal.jsonl";

type Manager = StateManager<unknown, Patch>;

const open = (fs: DurableFs, options: StateManagerOptions = {}): Promise<Manager> =>
  StateManager.open(DIRECTORY, NAME, documentMutator, { ...options, fs });

interface Side {
  /** Called before each sync of a file's data; what it throws is what the sync fails with. */
  beforeSync: () => void | Promise<void>;
  syncs: number;
  fs: DurableFs;
}

/** One process's view of the disk. */
function sideOf(disk: PowerCutDisk): Side {
  const side: Side = {
    beforeSync: () => {},
    syncs: 0,
    fs: {
      open: async (path, mode) => {
        const file = await disk.open(path, mode);
        return {
          read: (buffer, offset) => file.read(buffer, offset),
          write: (buffer, offset) => file.write(buffer, offset),
          syncData: async () => {
            side.syncs++;
            await side.beforeSync();
            await file.syncData();
          },
          syncAll: async () => {
            await side.beforeSync();
            await file.syncAll();
          },
          truncate: (size) => file.truncate(size),
          size: () => file.size(),
          identity: () => file.identity(),
          close: () => file.close(),
        } satisfies DurableFile;
      },
      rename: (from, to) => disk.rename(from, to),
      remove: (path) => disk.remove(path),
      list: (path) => disk.list(path),
      makeDirectory: (path) => disk.makeDirectory(path),
      syncDirectory: (path) => disk.syncDirectory(path),
      lock: (path, directory) => disk.lock(path, directory),
      lockDirectory: (path) => disk.lockDirectory(path),
      identity: (path) => disk.identity(path),
      resolve: (path) => disk.resolve(path),
      crc32: (bytes, seed) => disk.crc32(bytes, seed),
    },
  };
  return side;
}

/** A writer in the middle of the sync of its second batch. */
async function midSync(): Promise<
  { disk: PowerCutDisk; reader: Side; letGo: () => Promise<void>; writer: Manager }
> {
  const disk = new PowerCutDisk();
  const writing = sideOf(disk);
  const writer = await open(writing.fs);
  await writer.apply({ a: 1 });
  let letGo = () => {};
  const held = new Promise<void>((resolve) => letGo = resolve);
  let reached = () => {};
  const isReached = new Promise<void>((resolve) => reached = resolve);
  writing.beforeSync = () => {
    reached();
    return held;
  };
  const applied = writer.apply({ b: 2 });
  await isReached;
  assertEquals(writer.sequence, 1);
  return {
    disk,
    reader: sideOf(disk),
    writer,
    letGo: async () => {
      letGo();
      await applied;
      await writer.close();
    },
  };
}

/** Fails when a power cut could now undo something that was shown. */
async function assertDurable(disk: PowerCutDisk, sequence: number): Promise<void> {
  for (const image of crashImages(disk.image())) {
    const journal = await Journal.open(DIRECTORY, NAME, { fs: image });
    assert(journal.sequence >= sequence, `${sequence} was shown, ${journal.sequence} is there`);
    await journal.close();
  }
}

const readOnly = true;

const looks: Record<string, (fs: DurableFs) => Promise<number>> = {
  "StateManager.open()": async (fs) => {
    const reader = await open(fs, { readOnly });
    assertEquals(Object.keys(reader.state as object).length, reader.sequence);
    return reader.sequence;
  },
  "Journal.open()": async (fs) => {
    const { sequence } = await Journal.open(DIRECTORY, NAME, { fs, readOnly });
    return sequence;
  },
  "get": async (fs) =>
    Object.keys(JSON.parse((await runHere(["get", DIRECTORY], { fs })).output)).length,
  "log": async (fs) =>
    JSON.parse(
      (await runHere(["log", DIRECTORY, "--json"], { fs })).output.trim().split("\n").at(-1)!,
    )
      .sequence,
  "inspect": async (fs) =>
    JSON.parse((await runHere(["inspect", DIRECTORY, "--json"], { fs })).output).nextOpen.sequence,
  "backup": async (fs) =>
    JSON.parse((await runHere(["backup", DIRECTORY, "/data/copy", "--json"], { fs })).output)
      .sequence,
};

for (const [name, look] of Object.entries(looks)) {
  test(`${name} beside a writer shows a batch only once it is durable, no matter who synced it`, async () => {
    const { disk, reader, letGo } = await midSync();
    const shown = await look(reader.fs);
    await assertDurable(disk, shown);
    assertEquals(shown, 2, "the writer may have died: the reader does not wait for it");
    await letGo();
  });
}

test("a reader syncs nothing when something follows the last batch that it shows", async () => {
  const { disk, reader, letGo } = await midSync();
  await letGo();
  for (const name of ["StateManager.open()", "Journal.open()", "get", "log", "inspect", "backup"]) {
    assertEquals(await looks[name]!(reader.fs), 2);
  }
  assertEquals(reader.syncs, 0, "a seal");
  const writer = await open(disk);
  await writer.apply({ c: 3 });
  await writer.createSnapshot();
  assertEquals(await looks["StateManager.open()"]!(reader.fs), 3);
  assertEquals(await looks["log"]!(reader.fs), 3);
  assertEquals(reader.syncs, 0, "a snapshot, a later segment");
  await writer.close();
});

test("a reader takes the writer's next batch as proof, and waits a little for it before it syncs", async () => {
  const disk = new PowerCutDisk();
  // Ahead of the reader's clock: to the reader, no batch has been the last one for long.
  const writer = await open(disk, { clock: () => Date.now() + 3_600_000 });
  await writer.apply({ a: 1 });
  const side = sideOf(disk);
  let lists = 0;
  const fs: DurableFs = {
    ...side.fs,
    list: async (path) => {
      const entries = await side.fs.list(path);
      // Once to find the segment, and once to see that nothing follows it.
      if (++lists === 2) await writer.apply({ b: 2 });
      return entries;
    },
  };
  const journal = await Journal.open(DIRECTORY, NAME, { fs, readOnly });
  assertEquals([journal.sequence, writer.sequence, side.syncs], [1, 2, 0]);
  await writer.close();
});

test("changes() of another process's journal shows a batch only once it is durable", async () => {
  const { disk, letGo, reader, writer } = await midSync();
  await letGo();
  const beside = await open(reader.fs, { readOnly });
  const changes = beside.changes({ follow: true });
  const next = changes.next();
  // Written by a process that dies before it can sync.
  const dying = sideOf(disk);
  const dead = await open(dying.fs);
  dying.beforeSync = () => new Promise(() => {});
  void dead.apply({ c: 3 });
  assertEquals((await next).value?.sequence, 3);
  await assertDurable(disk, 3);
  await changes.return();
  assertEquals([beside.sequence, writer.sequence], [2, 2]);
});

test("a reader that can't sync the last batch says so; on a disk without syncs it continues", async () => {
  const { reader, letGo } = await midSync();
  reader.beforeSync = () => {
    throw systemError("EIO");
  };
  const error = await assertRejects(
    () => Journal.open(DIRECTORY, NAME, { fs: reader.fs, readOnly }),
    IoError,
  );
  assertEquals([error.systemCode, error.operation], ["EIO", "sync"]);
  reader.beforeSync = () => {
    throw systemError("EINVAL");
  };
  assertEquals(await looks["Journal.open()"]!(reader.fs), 2);
  await letGo();
});

test("a reader counts a batch as durable when a compaction deletes its segment before the sync", async () => {
  const disk = new PowerCutDisk();
  const writer = await open(disk, { compaction: "manual" });
  await writer.apply({ a: 1 });
  const side = sideOf(disk);
  let opens = 0;
  const fs: DurableFs = {
    ...side.fs,
    open: async (path, mode) => {
      // For its header, to be scanned, and then to be covered.
      if (++opens === 3) {
        for (let i = 2; i <= 4; i++) {
          await writer.apply({ a: i });
          await writer.compact();
        }
      }
      return await side.fs.open(path, mode);
    },
  };
  const journal = await Journal.open(DIRECTORY, NAME, { fs, readOnly });
  assertEquals([journal.sequence, opens, side.syncs], [1, 3, 0]);
  assertEquals(disk.paths(DIRECTORY).some((path) => path.includes("w-0000000000000001")), false);
  await journal.close();
  await writer.close();
});

test("a reader opens a state whose last batch is from the future, as after a clock was set back", async () => {
  const disk = new PowerCutDisk(1);
  const clock = () => Date.now() + 3_600_000;
  await using manager = await open(disk, { clock });
  await manager.apply({ a: 1 });
  await using reader = await open(sideOf(disk).fs, { readOnly: true });
  assertEquals([reader.sequence, reader.snapshot()], [1, { a: 1 }]);
});
