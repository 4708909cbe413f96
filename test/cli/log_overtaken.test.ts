// Tests `log` beside a compaction: what is deleted before it was printed doesn't count, and what follows can be asked for.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { StateManager } from "@ministate/ministate";
import { PowerCutDisk } from "../../testing.ts";
import { runHere, Screen } from "../support/command_in_process.ts";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const counter = {
  initial: () => ({ value: 0 }),
  apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
};

/** A disk with the segments 1 and 3, whose listing leaves the first one out whenever `isGone` says so. */
async function diskWithout(isGone: (listing: number) => boolean): Promise<PowerCutDisk> {
  const disk = new PowerCutDisk();
  const manager = await StateManager.open("/state", "w.wal.jsonl", counter, { fs: disk });
  await manager.applyAll([{ by: 1 }, { by: 2 }]);
  await manager.createSnapshot();
  await manager.apply({ by: 3 });
  await manager.close();
  let listing = 0;
  const list = disk.list.bind(disk);
  disk.list = async (path) => {
    const gone = isGone(++listing);
    return (await list(path)).filter(({ name }) => !gone || !/-0*1\.wal\.jsonl$/.test(name));
  };
  return disk;
}

test("log begins with what is left when a compaction deletes the first segment right away", async () => {
  const disk = await diskWithout((listing) => listing > 2);
  const { code, output } = await runHere(["log", "/state", "--json"], { fs: disk });
  assertEquals(code, 0);
  assertEquals(output.trim().split("\n").map((line) => JSON.parse(line).sequence), [3]);
});

test("log says that the history is gone when its beginning is deleted again and again", async () => {
  const disk = await diskWithout((listing) => listing > 2 && listing % 2 === 1);
  const { code, errors } = await runHere(["log", "/state"], { fs: disk });
  assertEquals(code, 1);
  assert(errors.includes("compaction deleted the mutations from sequence 1 on before"), errors);
});

test("log names no place to continue when nothing is left", async () => {
  /** Runs `log` beside compactions, and finds no files at all from a listing on. */
  const logUntil = async (emptyFrom: number) => {
    const disk = await diskWithout((listing) => listing > 2 && listing % 2 === 1);
    const list = disk.list.bind(disk);
    let listings = 0;
    disk.list = async (path) => {
      const entries = await list(path);
      return ++listings >= emptyFrom ? [] : entries;
    };
    return { listings: () => listings, ...await runHere(["log", "/state"], { fs: disk }) };
  };
  const whole = await logUntil(Infinity);
  assert(whole.errors.includes("; continue with --from 3"), whole.errors);
  // The last listing looks for what is left.
  const { code, errors } = await logUntil(whole.listings());
  assertEquals(code, 1);
  assert(errors.includes("before they could be read"), errors);
  assert(!errors.includes("continue with"), errors);
});

test("log says where to continue when a compaction deletes the next segment during the read", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { compaction: "manual" });
  for (const line of ["one", "two", "three"]) {
    await manager.apply(line);
    await manager.createSnapshot();
  }
  const stdout = new (class extends Screen {
    override async drained() {
      await manager.apply("four");
      await manager.compact();
      await manager.apply("five");
    }
  })();
  stdout.pending = Infinity;
  const { code, output, errors } = await runHere(["log", directory.path, "--json"], { stdout });
  assertEquals(output.trimEnd().split("\n").map((line) => JSON.parse(line).sequence), [1]);
  const { code: name, message, sequence } = JSON.parse(errors).error;
  assertEquals([code, name, sequence], [1, "HISTORY_GONE", 2]);
  assert(message.includes("from sequence 2 on"), message);
  assert(message.endsWith("continue with --from 4"), message);
});

test("log doesn't mention a torn tail that the next writer has already cut", async () => {
  const disk = await diskWithout(() => false);
  const path = "/state/w-0000000000000003.wal.jsonl";
  const file = await disk.open(path, "write");
  const end = await file.size();
  await file.write(new TextEncoder().encode("[4,tor"), end);
  let opened = 0, cutAt = 0;
  const open = disk.open.bind(disk);
  disk.open = async (name, mode) => {
    if (name === path && ++opened === cutAt) await file.truncate(end);
    return await open(name, mode);
  };
  const torn = await runHere(["log", "/state"], { fs: disk });
  assert(torn.errors.includes("6 bytes are a torn tail"), torn.errors);
  // The next time, it is gone when the command opens the file for the last time, to explain what it couldn't read.
  cutAt = 2 * opened;
  const { code, errors } = await runHere(["log", "/state"], { fs: disk });
  assertEquals([code, errors], [0, ""]);
  await file.close();
});
