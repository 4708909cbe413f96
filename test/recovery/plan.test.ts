// Tests what a plan makes of the facts about a directory: pure, so that each case takes no disk.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { snapshotFile } from "../../src/disk/names.ts";
import { TORN_SIZE_MAX } from "../../src/format/format.ts";
import { noWrites } from "../../src/format/write_totals.ts";
import { judge, judgeTail, planOf } from "../../src/recovery/plan.ts";
import type { ReadSegment } from "../../src/recovery/segment_facts.ts";
import {
  damagedSegment,
  SOUND_END,
  soundSegment,
  surveyOf,
  unusableSegment,
} from "../support/facts.ts";
import { IDENTITY } from "../support/segment.ts";

const seal = { offset: 600, sequenceFirst: 5, sequenceLast: 4 };

test("planOf() counts only segments that could be read when an empty one follows", () => {
  const written = { since: 1, ...noWrites(), bytes: 77 };
  const survey = surveyOf([soundSegment(1, 3, { written }), unusableSegment(3, true)]);
  const { sequence, segmentsRead, bytesRead, end, torn, corruption, ...plan } = planOf(survey);
  assertEquals([sequence, segmentsRead, bytesRead], [2, 1, SOUND_END]);
  assertEquals(plan.written, written);
  assertEquals([end, torn?.size, corruption], [null, 0, null]);
});

test("planOf() continues a damaged segment only when its sound part is the end of what is kept", () => {
  // A snapshot of 4 is sound: the segment's records end before it, so that nothing can be appended to them.
  const start = { sequence: 4, checksum: null, snapshot: null };
  const short = planOf(surveyOf([damagedSegment(1, 3)], { start }));
  assertEquals([short.end, short.corruption?.lost.sequenceFirst], [null, 5]);
  const survey = surveyOf([damagedSegment(1, 3, { proof: seal })]);
  const within = planOf(survey);
  assertEquals([within.end, within.corruption?.soundEnd], [survey.segments[0], SOUND_END]);
});

test("planOf() ignores what damaged lines in an inner segment seem to name", () => {
  const survey = surveyOf([
    damagedSegment(1, 2, { sequenceNamed: 800 }),
    damagedSegment(3, 4, { sequenceNamed: 900 }),
    soundSegment(5, 7),
  ]);
  assertEquals(planOf(survey).corruption?.lost, { sequenceFirst: 2, sequenceLast: 6 });
});

test("planOf() reports what damaged lines at the journal's end seem to name", () => {
  const survey = surveyOf([
    damagedSegment(1, 2),
    soundSegment(3, 5),
    damagedSegment(5, 7, { sequenceNamed: 9 }),
  ]);
  assertEquals(planOf(survey).corruption?.lost, { sequenceFirst: 2, sequenceLast: 9 });
});

test("judge() accepts any journal's segment as long as no header shows whose the directory is", () => {
  const segment = soundSegment(1, 3);
  const survey = surveyOf([segment], { identity: null });
  const { verdict, sequence } = judge(survey, { before: null, facts: segment, next: undefined }, 0);
  assertEquals([verdict, sequence], ["open", 2]);
});

test("planOf() says that an initial state is damaged even when no header shows whose the directory is", () => {
  const { failure: initialFailure } = unusableSegment(1, false);
  const survey = surveyOf([soundSegment(1, 3, { initialFailure })], { identity: null });
  const { corruption, sequence } = planOf(survey);
  assertEquals([corruption?.label, sequence], ["damaged initial state", 0]);
});

test("planOf() continues after the batch that its start names when the journal ends before it", () => {
  const start = { sequence: 4, checksum: 77, snapshot: null };
  const segments = [soundSegment(1, 3, { checksum: 5 })];
  const { sequence, checksum, corruption } = planOf(surveyOf(segments, { start }));
  assertEquals([sequence, checksum, corruption?.lost.sequenceFirst], [4, 77, 5]);
  // Without it, after the last batch there is.
  assertEquals(planOf(surveyOf(segments)).checksum, 5);
});

test("planOf() needs no initial state where a snapshot replaces it, unless it hides batches", () => {
  const snapshot = snapshotFile(IDENTITY, 0);
  const start = { sequence: 0, checksum: null, snapshot };
  const { failure: initialFailure } = unusableSegment(1, false);
  const label = (differing: Partial<ReadSegment>) => {
    const segment = soundSegment(1, 3, { initialFailure, initialEnd: 300, ...differing });
    return planOf(surveyOf([segment], { start })).corruption?.label ?? null;
  };
  const { evidence } = damagedSegment(1, 3);
  const found = (offset: number) => ({ ...evidence!, proof: { ...seal, offset } });
  assertEquals(label({}), null);
  assertEquals(label({ initialEvidence: evidence, batchLast: null }), null);
  assertEquals(label({ initialEvidence: found(300), batchLast: null }), null);
  assertEquals(label({ initialEvidence: found(200) }), null);
  assertEquals(label({ initialEvidence: found(200), batchLast: null }), "damaged initial state");
});

const tails = [
  { name: "nothing", segment: soundSegment(1, 3), tail: "sound" },
  { name: "bytes without proof", segment: damagedSegment(1, 3), tail: "unproven" },
  {
    name: "as many bytes as a power cut can leave",
    segment: damagedSegment(1, 3, {}, TORN_SIZE_MAX),
    tail: "unproven",
  },
  {
    name: "one byte more than a power cut can leave",
    segment: damagedSegment(1, 3, {}, TORN_SIZE_MAX + 1),
    tail: "proven",
  },
  {
    name: "a batch that repeats sequences",
    segment: {
      ...damagedSegment(1, 3),
      damage: { offset: SOUND_END, reason: "repeated" as const },
    },
    tail: "proven",
  },
  { name: "a sound line", segment: damagedSegment(1, 3, { proof: seal }), tail: "proven" },
  {
    name: "bytes made to prolong the search",
    segment: damagedSegment(1, 3, { exhausted: true }),
    tail: "proven",
  },
];

for (const { name, segment, tail } of tails) {
  test(`judgeTail() says "${tail}" of a segment when what follows its sound part is ${name}`, () => {
    assertEquals(judgeTail(segment), tail);
  });
}
