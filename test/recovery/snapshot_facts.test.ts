// Tests what a snapshot that can't be used still proves.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { snapshotFile } from "../../src/disk/names.ts";
import { factsFor, provenSequence } from "../../src/recovery/snapshot_facts.ts";
import { damagedSnapshot } from "../support/facts.ts";
import { IDENTITY } from "../support/segment.ts";

test("provenSequence() goes by the header of a snapshot that is damaged after it", () => {
  const damaged = damagedSnapshot(4, "ours");
  assertEquals(provenSequence(damaged, "ours"), 4);
  assertEquals(provenSequence(damaged, "another"), 0);
  // No header says whose directory it is: the snapshot is the only source.
  assertEquals(provenSequence(damaged, null), 4);
  assertEquals(provenSequence({ ...damaged, file: snapshotFile(IDENTITY, 9) }, null), 4);
});

test("provenSequence() goes by the name of a snapshot whose first line is damaged", () => {
  assertEquals(provenSequence({ ...damagedSnapshot(4, "ours"), header: null }, "ours"), 4);
});

test("provenSequence() goes by a snapshot that a later version of the mutator wrote", () => {
  const sound = { ...damagedSnapshot(4, "ours"), failure: null };
  assertEquals(provenSequence(factsFor(sound, 1), "ours"), 0);
  assertEquals(provenSequence(factsFor(sound, 0), "ours"), 4);
});
