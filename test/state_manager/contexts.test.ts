// Tests that reducers and checks get the same sequence and timestamp live and after a crash, alone and in groups.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { type MutationContext, StateManager } from "@ministate/ministate";
import { DIRECTORY, NAME } from "../../simulation/world.ts";
import { freshDisk } from "../../simulation/workloads.ts";

interface Seen {
  sequence: number;
  timestamp: number;
}

const reducer = {
  initial: (): Seen[] => [],
  reduce: (state: readonly Seen[], _: null, { sequence, timestamp }: MutationContext) => [
    ...state,
    { sequence, timestamp },
  ],
};

test("a reducer gets each mutation's own sequence, in groups too, live and after a crash", async () => {
  const disk = freshDisk();
  const open = (fs: typeof disk) => StateManager.open(DIRECTORY, NAME, reducer, { fs });
  const manager = await open(disk);
  await manager.apply(null);
  const group = await manager.applyAll([null, null, null]);
  assertEquals(group.map(({ sequence }) => sequence), [2, 3, 4]);
  assertEquals([manager.sequence, manager.state.length], [4, 4]);
  const live = manager.snapshot();
  assertEquals(live.map(({ sequence }) => sequence), [1, 2, 3, 4]);
  const { timestamp } = live[1]!;
  assertEquals(live.slice(1).map((seen) => seen.timestamp), [timestamp, timestamp, timestamp]);
  // No line says yet what became of the group: it is run again.
  const recovered = await open(disk.image().crash());
  assertEquals([recovered.sequence, recovered.snapshot()], [4, live]);
  assertEquals(await recovered.apply(null).then(({ sequence }) => sequence), 5);
  await recovered.close();
  await manager.close();
});

test("check gets the sequence and the timestamp that apply gets, alone and in groups", async () => {
  const checked: Seen[] = [];
  const mutator = {
    initial: (): Seen[] => [],
    check(_: readonly Seen[], _mutation: null, { sequence, timestamp }: MutationContext) {
      checked.push({ sequence, timestamp });
    },
    apply(state: Seen[], _: null, { sequence, timestamp }: MutationContext) {
      state.push({ sequence, timestamp });
    },
  };
  const manager = await StateManager.open(DIRECTORY, NAME, mutator, { fs: freshDisk() });
  await manager.apply(null);
  await manager.applyAll([null, null]);
  // Some are checked twice: before they are written, and when they are applied.
  const once = checked.filter(({ sequence }, i) => sequence !== checked[i + 1]?.sequence);
  assertEquals([...new Set(checked.map(({ sequence }) => sequence))], [1, 2, 3]);
  for (const seen of once) assertEquals(manager.state[seen.sequence - 1], seen);
  await manager.close();
});
