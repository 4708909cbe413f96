// Tests how damage is described: which segment can't be used and why, how far the loss goes, and what the error says.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { test } from "node:test";
import { IoError } from "../../src/errors.ts";
import { segmentHeader } from "../../src/journal/journal_identity.ts";
import {
  type Corruption,
  corruptionError,
  isGap,
  isNewer,
  missingJournal,
} from "../../src/recovery/corruption.ts";
import { planOf } from "../../src/recovery/plan.ts";
import { damagedSegment, soundSegment, surveyOf, unusableSegment } from "../support/facts.ts";
import { IDENTITY } from "../support/segment.ts";

/** What a plan says of the damage in these segments. */
function corruptionIn(...[segments, differing]: Parameters<typeof surveyOf>): Corruption {
  return planOf(surveyOf(segments, differing)).corruption!;
}

test("planOf() says why the first line of a segment can't be used", () => {
  const damaged = unusableSegment(1, false);
  const { file } = damaged;
  const refusal = new IoError("refused", { path: file.path });
  const described = [damaged, { ...damaged, failure: refusal }].map((segment) => {
    const { label, says, offset, soundEnd } = corruptionIn([segment]);
    return [label, says, offset, soundEnd];
  });
  assertEquals(described, [
    ["damaged header", "its first line is damaged, which a power cut can't cause", 0, null],
    ["unreadable segment", "the disk refuses to give its first line", 0, null],
  ]);
});

test("planOf() calls only a segment of a later version newer, and no damage of this one's", () => {
  const label = (version: number, after: number) => {
    const header = segmentHeader({ ...IDENTITY, version }, 3, { checksum: after }, 0);
    const segments = [soundSegment(1, 3, { checksum: 7 }), soundSegment(3, 5, { header })];
    const { identity } = surveyOf(segments);
    const corruption = corruptionIn(segments, { identity: { ...identity!, versionMax: 1 } });
    return [corruption.label, isNewer(corruption)];
  };
  assertEquals(label(2, 7), ["newer segment", true]);
  assertEquals(label(1, 8), ["segment of another history", false]);
});

test("planOf() counts what damaged lines in the last segment seem to name, and not those in an inner one", () => {
  const last = damagedSegment(3, 4, { sequenceNamed: 9, exhausted: true });
  assertEquals(corruptionIn([soundSegment(1, 3), last]).lost, {
    sequenceFirst: 4,
    sequenceLast: 9,
  });
  assertEquals(corruptionIn([last, soundSegment(6, 7)], { proven: 0 }).lost.sequenceLast, 6);
});

test("isGap() says that nothing is damaged where only files are missing", () => {
  const gap = corruptionIn([soundSegment(1, 3), soundSegment(5, 6)]);
  assertEquals([gap.label, isGap(gap)], ["records missing before the next segment", true]);
  assertEquals(isGap(missingJournal(surveyOf([]))), true);
  assertEquals(isGap(corruptionIn([unusableSegment(1, false)])), false);
});

test("corruptionError() names one sequence, a range, or all from one on", () => {
  const corruption = corruptionIn([unusableSegment(1, false)]);
  for (
    const [sequenceLast, range] of [[null, "4 and later"], [4, "4"], [6, "4 to 6"]] as const
  ) {
    const { message } = corruptionError({
      ...corruption,
      lost: { sequenceFirst: 4, sequenceLast },
    });
    assertStringIncludes(message, `sequences that can't be proven: ${range}. `);
  }
});
