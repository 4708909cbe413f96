// The recovery table covers every combination of its three facts exactly once.

import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  decide,
  type Reach,
  RECOVERY_TABLE,
  type SegmentPosition,
  type Tail,
} from "../../src/recovery/recovery_table.ts";

const places: readonly SegmentPosition[] = ["last", "inner"];
const tails: readonly Tail[] = ["sound", "unproven", "proven"];
const reaches: readonly Reach[] = ["short", "meets", "beyond"];

const combinations = places.flatMap((place) =>
  tails.flatMap((tail) => reaches.map((reach) => [place, tail, reach] as const))
);

for (const [place, tail, reach] of combinations) {
  test(`decide() has exactly one row when the facts are ${place}, ${tail}, ${reach}`, () => {
    const rows = RECOVERY_TABLE.filter((row) =>
      row.place.includes(place) && row.tail.includes(tail) && row.reach.includes(reach)
    );
    assertEquals(rows.length, 1, rows.map((row) => row.label).join(" and "));
    assertEquals(decide(place, tail, reach), rows[0]);
  });
}

test("decide() cuts a tail in a single case: the newest segment, without proof, at or above the snapshot", () => {
  const cut = combinations.filter((facts) => decide(...facts).verdict === "cut");
  assertEquals(cut, [["last", "unproven", "meets"], ["last", "unproven", "beyond"]]);
});

test("decide() never opens over records that are missing or doubled", () => {
  for (const [place, tail, reach] of combinations) {
    const { verdict } = decide(place, tail, reach);
    const complete = place === "inner" ? reach === "meets" : reach !== "short";
    if (!complete || tail === "proven") assertEquals(verdict, "corrupt");
  }
});

test("RECOVERY_TABLE gives every row a unique label", () => {
  const labels = RECOVERY_TABLE.map(({ label }) => label);
  assertEquals(labels.length, new Set(labels).size);
});

test("decide() throws when it is given facts that don't exist", () => {
  assertThrows(() => decide("elsewhere" as SegmentPosition, "sound", "meets"), RangeError);
});
