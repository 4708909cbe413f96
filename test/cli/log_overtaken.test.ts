// Tests `log` beside a compaction: what is deleted before anything was printed doesn't count.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { StateManager } from "@ministate/ministate";
import { PowerCutDisk } from "../../testing.ts";
import { runHere } from "../support/command_in_process.ts";

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
  assert(errors.includes("compaction has deleted"), errors);
});
