// Tests what an inspection says about segments that the plan doesn't mention, and about files that can't be used.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { segmentFile } from "../../src/disk/names.ts";
import { CorruptionError, IoError } from "../../src/errors.ts";
import { findingsOf } from "../../src/recovery/findings.ts";
import { flawOf, placeOfFlaw } from "../../src/recovery/flaw.ts";
import { planOf } from "../../src/recovery/plan.ts";
import type { ReadSegment } from "../../src/recovery/segment_facts.ts";
import {
  damagedSegment,
  SOUND_END,
  soundSegment,
  surveyOf,
  unusableSegment,
} from "../support/facts.ts";
import { IDENTITY } from "../support/segment.ts";
import { systemError } from "../support/wrapped_fs.ts";

/** The severity of what is found about the segment that begins with `first`. */
function severities(segments: ReadSegment[], first: number): string[] {
  const survey = surveyOf(segments);
  const { path } = segmentFile(IDENTITY, first);
  return findingsOf(survey, planOf(survey)).filter((finding) => finding.path === path)
    .map(({ severity, needed }) => `${severity}, ${needed ? "needed" : "unneeded"}`);
}

test("findingsOf() calls a tail torn only at the journal's end, and only without proof", () => {
  const proof = { offset: 600, sequenceFirst: 7, sequenceLast: 6 };
  const first = damagedSegment(1, 2);
  const end = soundSegment(5, 6);
  assertEquals(severities([first, damagedSegment(3, 5), end], 3), ["corrupt, needed"]);
  assertEquals(severities([first, soundSegment(3, 5), damagedSegment(5, 6)], 5), [
    "torn, unneeded",
  ]);
  const proven = damagedSegment(5, 6, { proof });
  assertEquals(severities([first, soundSegment(3, 5), proven], 5), ["corrupt, needed"]);
});

test("findingsOf() mentions an empty segment once", () => {
  const survey = surveyOf([soundSegment(1, 3), unusableSegment(3, true)]);
  const found = findingsOf(survey, planOf(survey));
  assertEquals(found.map(({ severity, sequence }) => [severity, sequence]), [["torn", 3]]);
});

test("flawOf() says where a file is damaged", () => {
  const lost = { sequenceFirst: 1, sequenceLast: null };
  const at = (offset: number) => flawOf(new CorruptionError("damaged", { offset, lost }));
  assertEquals(at(0), "its first line is damaged");
  assertEquals(at(120), "it is damaged near offset 120");
});

test("placeOfFlaw() says which bytes the disk refuses to give", () => {
  const refusal = new IoError("refused", { offset: 700, cause: systemError("EIO") });
  const unreadable = { ...damagedSegment(1, 3), damage: null, unreadable: refusal };
  assertEquals(placeOfFlaw(unreadable), {
    flaw: "the disk refuses to give its bytes at offset 700 (EIO)",
    offset: 700,
  });
  assertEquals(placeOfFlaw(damagedSegment(1, 3)).offset, SOUND_END);
  assertEquals(
    flawOf(new IoError("refused", { cause: systemError("EIO") })),
    "the disk refuses to give it (EIO)",
  );
});
