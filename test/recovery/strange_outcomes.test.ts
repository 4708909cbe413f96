// Tests that a segment that doesn't belong to the journal says nothing about the mutations before it.

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { listState } from "../../src/disk/list_state.ts";
import { inspectState } from "../../src/recovery/inspect.ts";
import { planRestore } from "../../src/state/restore_plan.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { DIRECTORY } from "../../simulation/world.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { fileName } from "../support/files.ts";
import { journalName, openCounter } from "../support/samples.ts";
import { systemError } from "../support/wrapped_fs.ts";

const path = (kind: "wal" | "snapshot", sequence: number) =>
  `${DIRECTORY}/${fileName(kind, sequence)}`;

const open = (fs: PowerCutDisk, onCorruption: "fail" | "quarantine" = "fail") =>
  openCounter(DIRECTORY, { fs, clock: () => 0, compaction: "manual", onCorruption });

/** Continues a directory, by default a new one, with mutations that may be refused, and begins another segment. */
async function continued(mutations: number[], start = freshDisk()): Promise<PowerCutDisk> {
  const fs = start.crash();
  await using manager = await open(fs);
  for (const by of mutations) await manager.apply({ by }).catch(() => {});
  await manager.createSnapshot();
  await manager.close();
  fs.unplant(path("snapshot", manager.sequence));
  return fs.crash();
}

const common = freshDisk();
{
  await using manager = await open(common);
  await manager.apply({ by: 1 });
}

/** Mutations 1 and 2 were accepted, but the segment after them, of a copy of the directory, lists 2 as refused. */
async function withSegmentOfCopy(): Promise<PowerCutDisk> {
  const [ours, copy] = [await continued([5], common), await continued([-9], common)];
  ours.plant(path("wal", 3), copy.peek(path("wal", 3))!);
  return ours;
}

/** The same with a segment of another journal. */
async function withSegmentOfStranger(): Promise<PowerCutDisk> {
  const [ours, stranger] = [await continued([5], common), await continued([1, -9])];
  ours.plant(path("wal", 3), stranger.peek(path("wal", 3))!);
  return ours;
}

for (
  const [title, prepare] of [
    ["a copy of the directory", withSegmentOfCopy],
    ["another journal", withSegmentOfStranger],
  ] as const
) {
  test(`open() keeps what was accepted before a segment of ${title} that lists it as refused`, async () => {
    const fs = await prepare();
    await using manager = await open(fs, "quarantine");
    assertEquals([manager.state.value, manager.sequence], [6, 2]);
    assertEquals(manager.recovery.lost?.sequenceFirst, 3);
    await manager.close();
    await using again = await open(fs);
    assertEquals(again.state.value, 6);
  });

  test(`changes() and stateAt() of a reader don't ask a segment of ${title} what was refused`, async () => {
    const fs = await prepare();
    await using reader = await openCounter(DIRECTORY, {
      fs,
      readOnly: true,
      onCorruption: "quarantine",
    });
    const refused = [];
    for await (const change of reader.changes({ from: 1, follow: false })) {
      refused.push(change.refused);
    }
    assertEquals(refused, [false, false]);
    assertEquals((await reader.stateAt(2)).value, 6);
  });

  test(`inspectState() counts no mutation as refused that only a segment of ${title} lists`, async () => {
    const { segments } = await inspectState(await prepare(), DIRECTORY, journalName);
    assertEquals(segments.map(({ refused }) => refused), [0, 0]);
  });
}

test("changes() of a reader doesn't know an outcome while the segment that says it can't be read", async () => {
  const fs = await continued([-9], common);
  await using reader = await openCounter(DIRECTORY, { fs, readOnly: true });
  const { open } = fs;
  let isReadable = false;
  fs.open = async (name, mode) => {
    if (!isReadable && name === path("wal", 3)) throw systemError("EIO");
    return await open.call(fs, name, mode);
  };
  const outcomes = async () => {
    const refused = [];
    for await (const change of reader.changes({ from: 1, follow: false })) {
      refused.push(change.refused);
    }
    return refused;
  };
  assertEquals(await outcomes(), [false, null]);
  isReadable = true;
  assertEquals(await outcomes(), [false, true]);
});

test("open() lists nothing as refused that only a segment of a copy before an empty one lists", async () => {
  const [ours, copy] = [common.crash(), common.crash()];
  for (const [fs, by] of [[ours, 5], [copy, -9]] as const) {
    await using manager = await open(fs);
    await manager.apply({ by }).catch(() => {});
    if (fs === ours) await manager.createSnapshot();
  }
  ours.plant(path("wal", 1), copy.peek(path("wal", 1))!);
  ours.plant(path("wal", 3), new Uint8Array());
  await using manager = await open(ours);
  assertEquals(manager.state.value, 6);
  const [header] = new TextDecoder().decode(ours.peek(path("wal", 3))!).split("\n");
  assertEquals(JSON.parse(header!).refused, undefined);
});

test("planRestore() doesn't ask a segment of a copy of the directory what was refused", async () => {
  const ending = async (fs: PowerCutDisk) => {
    const plan = await planRestore(fs, await listState(fs, DIRECTORY, "test"), 2);
    assert(!("why" in plan));
    return new TextDecoder().decode(plan.ending?.bytes);
  };
  assertEquals(await ending(await withSegmentOfCopy()), "");
  const own = await continued([-9], common);
  assert((await ending(own)).includes('"refused":[[2,2]]'));
  {
    await using manager = await open(own);
    await manager.apply({ by: 1 });
  }
  // The segment now says of its own batch that nothing was refused.
  assert((await ending(own)).includes('"refused":[[2,2]]'));
});
