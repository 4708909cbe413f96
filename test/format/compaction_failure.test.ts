// Tests the record of a failed compaction in headers and seals: its size at worst, and what is no such record.

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { compactionFailureOf, readCompactionFailure } from "../../src/format/compaction_failure.ts";
import { MinistateError } from "../../src/errors.ts";
import { encodeHeader } from "../../src/format/encode.ts";
import { EDITION_FIRSTS_MAX, HEADER_SIZE_MAX } from "../../src/format/format.ts";
import {
  MUTATOR_NAME_SIZE_MAX,
  type SegmentHeader,
  SEQUENCE_MAX,
} from "../../src/format/format.ts";
import { readHeader } from "../../src/format/scan.ts";
import { noWrites } from "../../src/format/write_totals.ts";
import { segmentHeader } from "../../src/journal/journal_identity.ts";
import { crc32 } from "../../runtime/crc32.ts";
import { IDENTITY } from "../support/segment.ts";

const FAILURE = { sequence: 3, timestamp: 5, code: "INVALID_STATE", reason: "in the state, …" };

test("a header holds the longest reason beside the longest name, totals and editions", () => {
  const counts = Object.keys(noWrites()).map((name) => [name, Number.MAX_SAFE_INTEGER]);
  const identity = {
    ...IDENTITY,
    mutator: "\u0001".repeat(MUTATOR_NAME_SIZE_MAX),
    version: Number.MAX_SAFE_INTEGER,
    edition: SEQUENCE_MAX,
    editionFirsts: Array(EDITION_FIRSTS_MAX).fill(SEQUENCE_MAX),
    idRenewed: true,
  };
  const error = new MinistateError("INVALID_MUTATION", "\u0001".repeat(10_000));
  const compactionFailure = compactionFailureOf(error, SEQUENCE_MAX, Number.MIN_SAFE_INTEGER);
  // As long as a list in a header may be.
  const refused = Array.from(
    { length: 6 },
    (_, i) => [SEQUENCE_MAX - 12 + 2 * i, SEQUENCE_MAX - 12 + 2 * i] as const,
  );
  const past = { checksum: 0xffffffff, refused };
  const header = segmentHeader(identity, SEQUENCE_MAX, past, Number.MIN_SAFE_INTEGER, {
    written: { since: SEQUENCE_MAX, ...Object.fromEntries(counts) } as never,
    compactionFailure,
  });
  const { bytes } = encodeHeader(header, crc32);
  assert(bytes.length <= HEADER_SIZE_MAX, `${bytes.length} bytes`);
  const reading = readHeader<SegmentHeader>(bytes, "journal", crc32);
  assert(reading.kind === "sound");
  assertEquals(readCompactionFailure(reading.header.compactionFailure), compactionFailure);
});

const others: [string, unknown][] = [
  ["nothing", undefined],
  ["null", null],
  ["a string", "INVALID_STATE"],
  ["no sequence", { ...FAILURE, sequence: undefined }],
  ["a negative sequence", { ...FAILURE, sequence: -1 }],
  ["a time that is no number", { ...FAILURE, timestamp: "now" }],
  ["a code that is a number", { ...FAILURE, code: 5 }],
  ["a reason that is an object", { ...FAILURE, reason: {} }],
];
for (const [name, value] of others) {
  test(`readCompactionFailure() ignores ${name}`, () => {
    assertEquals(readCompactionFailure(value), null);
  });
}

test("readCompactionFailure() keeps its members and no other", () => {
  assertEquals(readCompactionFailure({ ...FAILURE, code: null, more: 1 }), {
    ...FAILURE,
    code: null,
  });
});
