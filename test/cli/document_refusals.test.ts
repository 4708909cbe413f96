// Tests that the document's own reducer, which changes the document in place, runs in its turn and keeps its refusals.

import { test } from "node:test";
import { assertEquals, assertInstanceOf } from "@std/assert";
import { MutationRejectedError, StateManager } from "@ministate/ministate";
import { PowerCutDisk } from "@ministate/ministate/testing";
import { documentMutator, type Patch } from "../../cli/document.ts";
import { failureOf } from "../support/errors.ts";

const open = (fs: PowerCutDisk) =>
  StateManager.open<unknown, Patch>("/state", "document.wal.jsonl", documentMutator, { fs });

test("a patch that can't be applied is refused in its turn, and after a crash in the same way", async () => {
  const disk = new PowerCutDisk();
  const manager = await open(disk);
  await manager.apply({ a: 1 });
  const error = await failureOf(() => manager.apply([{ op: "remove", path: "/none" }]));
  assertInstanceOf(error, MutationRejectedError);
  assertEquals([error.sequence, manager.snapshot()], [2, { a: 1 }]);
  const again = await open(disk.image());
  assertEquals([again.snapshot(), again.sequence], [{ a: 1 }, 2]);
  await again.apply({ b: 2 });
  const changes = again.changes({ from: 2, follow: false });
  assertEquals((await changes.next()).value?.refused, true);
  assertEquals((await changes.next()).value?.refused, false);
});

test("a patch is not visible when it can't be written", async () => {
  const disk = new PowerCutDisk();
  const manager = await open(disk);
  await manager.apply({ a: 1 });
  disk.spaceLeft = 0;
  await failureOf(() => manager.apply({ b: "x".repeat(100_000) }));
  assertEquals(manager.snapshot(), { a: 1 });
});

test("patches can't be given as a group, of which half might stay", async () => {
  const manager = await open(new PowerCutDisk());
  const error = await failureOf(() => manager.applyAll([{ a: 1 }, { b: 2 }]));
  assertInstanceOf(error, TypeError);
  assertEquals([manager.snapshot(), manager.sequence], [{}, 0]);
});
