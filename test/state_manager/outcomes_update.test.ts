// Tests that an update of the program keeps the record of what was refused before it.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { StateManager } from "@ministate/ministate";
import { PowerCutDisk } from "@ministate/ministate/testing";
import { failureOf } from "../support/errors.ts";

/** Counts, and refuses steps of more than `limit`. */
const upTo = (limit: number, version: number) => ({
  version,
  migrate: {},
  initial: () => ({ n: 0 }),
  apply(state: { n: number }, by: number) {
    if (by > limit) throw new RangeError(`more than ${limit}`);
    return state.n += by;
  },
});

test("open() of a new version keeps the refusals that the header of an empty segment lists", async () => {
  const fs = new PowerCutDisk();
  const open = (limit: number, version: number) =>
    StateManager.open("/state", "c.wal.jsonl", upTo(limit, version), { fs, compaction: "manual" });
  const manager = await open(5, 1);
  await failureOf(() => manager.apply(9));
  // Begins the segment that the update replaces, because it holds no batch.
  await manager.createSnapshot();
  await manager.close();
  const updated = await open(10, 2);
  const changes = updated.changes({ from: 1, follow: false });
  assertEquals((await changes.next()).value?.refused, true);
  assertEquals(await updated.stateAt(1), { n: 0 });
});
