// Tests what inspect says of a compaction that failed, as text and as JSON.

import { test } from "node:test";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InvalidStateError, StateManager } from "@ministate/ministate";
import { freshDisk } from "../../simulation/workloads.ts";
import { DIRECTORY } from "../../simulation/world.ts";
import { journalName } from "../support/samples.ts";
import { runHere } from "../support/command_in_process.ts";

test("inspect says when the last compaction failed and why, and nothing when it did not", async () => {
  const fs = freshDisk();
  const mutator = {
    initial: () => ({ at: null as unknown }),
    apply: (state: { at: unknown }) => void (state.at = new Date(0)),
  };
  const clock = () => Date.UTC(2026, 10, 26, 3);
  const manager = await StateManager.open(DIRECTORY, journalName, mutator, { fs, clock });
  await manager.apply(null);
  const inspect = async (...args: string[]) =>
    (await runHere(["inspect", DIRECTORY, ...args], { fs })).output;
  assertEquals(/^compaction/m.test(await inspect()), false);
  assertEquals(JSON.parse(await inspect("--json")).compactionFailure, null);
  await assertRejects(() => manager.compact(), InvalidStateError);
  await manager.close();
  assertMatch(
    await inspect(),
    /^compaction {2}failed at sequence 1, 2026-11-26 03:00:00\.000Z: .*\$\.at is an object of class Date/m,
  );
  const { reason, ...rest } = JSON.parse(await inspect("--json")).compactionFailure;
  assertEquals(rest, { sequence: 1, timestamp: clock(), code: "INVALID_STATE" });
  assertMatch(reason, /\$\.at is an object of class Date/);
});
