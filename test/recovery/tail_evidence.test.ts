// Tests what counts as proof after damage: a sound batch or a seal, wherever it is and however much comes before it.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { BATCH_SIZE_MAX, LINE_SIZE_MAX } from "../../src/format/format.ts";
import { SegmentReader } from "../../src/journal/segment_reader.ts";
import { findTailEvidence } from "../../src/recovery/tail_evidence.ts";
import { metered } from "../../simulation/metered_fs.ts";
import { type Part, segmentOf } from "../support/segment.ts";

/** The size of the first read. */
const CHUNK_SIZE = 64 * 1024;
const MEBIBYTE = 1024 * 1024;

/** Looks after the damage that ends the segment's sound part. */
async function evidenceOf(parts: readonly Part[], first = 1) {
  const { fs, file, starts, size } = segmentOf(parts, first);
  const reader = await SegmentReader.open(fs, file);
  while (await reader.read() !== null);
  const evidence = await findTailEvidence(reader, reader.soundEnd, fs.crc32);
  await reader.close();
  return { ...evidence, starts, size };
}

const rotten = { pad: 10, rotten: true };

const proven: {
  name: string;
  parts: Part[];
  first?: number;
  at: number;
  from: number;
  to: number;
}[] = [
  { name: "a batch follows", parts: [{ pad: 1 }, rotten, { pad: 1 }], at: 2, from: 3, to: 3 },
  {
    name: "batches of many records follow",
    parts: [rotten, { pad: 1, count: 3 }, { pad: 1, count: 12 }],
    at: 1,
    from: 2,
    to: 16,
  },
  {
    name: "a batch with a sequence of many digits follows",
    parts: [rotten, { pad: 1 }],
    first: 1_020_304_050,
    at: 1,
    from: 1_020_304_051,
    to: 1_020_304_051,
  },
  { name: "a seal follows", parts: [{ pad: 1 }, rotten, { seal: 2 }], at: 2, from: 3, to: 2 },
  {
    name: "a seal follows in a line that begins with rubbish",
    parts: [rotten, { text: "rubbish" }, { seal: 1 }],
    at: 2,
    from: 2,
    to: 1,
  },
  {
    name: "a batch follows in a line that begins with rubbish",
    parts: [rotten, { text: "rubbish" }, { pad: 1 }],
    at: 2,
    from: 2,
    to: 2,
  },
  ...[CHUNK_SIZE - 100, CHUNK_SIZE, 5 * CHUNK_SIZE, LINE_SIZE_MAX, 2 * LINE_SIZE_MAX]
    .flatMap((count) => [
      {
        name: `a batch follows ${count} line feeds`,
        parts: [rotten, { lineFeeds: count }, { pad: 1 }],
        at: 2,
        from: 2,
        to: 2,
      },
      {
        name: `a batch follows a line of ${count} bytes`,
        parts: [rotten, { text: "x".repeat(count) + "\n" }, { pad: 1 }],
        at: 2,
        from: 2,
        to: 2,
      },
    ]),
  {
    name: "a batch of a large mutation follows many lines",
    parts: [
      rotten,
      ...Array(17).fill({ text: "x".repeat(MEBIBYTE) + "\n" }),
      { pad: LINE_SIZE_MAX - MEBIBYTE },
    ],
    at: 18,
    from: 2,
    to: 2,
  },
  {
    name: "a batch follows that is larger than what is read at once",
    parts: [rotten, { pad: 3 * CHUNK_SIZE }],
    at: 1,
    from: 2,
    to: 2,
  },
];

for (const { name, parts, first, at, from, to } of proven) {
  test(`findTailEvidence() finds proof when ${name}`, async () => {
    const { proof, writtenEnd, exhausted, starts, size } = await evidenceOf(parts, first);
    // A seal is recognized by its line.
    const glued = "seal" in parts[at]! && "text" in parts[at - 1]!;
    const offset = starts[glued ? at - 1 : at];
    assertEquals(proof, { offset, sequenceFirst: from, sequenceLast: to });
    assertEquals({ writtenEnd, exhausted }, { writtenEnd: size - 1, exhausted: false });
  });
}

const unproven: { name: string; parts: Part[]; seen: number | null }[] = [
  { name: "nothing follows", parts: [rotten], seen: 1 },
  { name: "only damaged batches follow", parts: [rotten, rotten, rotten], seen: 3 },
  {
    name: "the seal that follows is older than the damage",
    parts: [{ pad: 1 }, rotten, { seal: 1 }],
    seen: 2,
  },
  { name: "another control line follows", parts: [rotten, { text: '{"other":7}\n' }], seen: 1 },
  {
    name: "a damaged seal follows",
    parts: [rotten, { text: '{"seal":1,"crc":"00000000"}\n' }],
    seen: 1,
  },
  {
    name: "a line names a sequence far away",
    parts: [rotten, { text: `[${BATCH_SIZE_MAX + 2},1\n` }],
    seen: 1,
  },
  {
    name: "a line names a sequence not too far away",
    parts: [rotten, { text: `[${BATCH_SIZE_MAX + 1},1\n` }, rotten],
    seen: BATCH_SIZE_MAX + 1,
  },
  {
    name: "a line follows that is as long as what is kept of it",
    parts: [{ pad: 1 }, { text: "x".repeat(2 * LINE_SIZE_MAX) + "\n" }],
    seen: null,
  },
  { name: "rubbish follows", parts: [{ pad: 1 }, { text: "rubbish\n" }], seen: null },
];

for (const { name, parts, seen } of unproven) {
  test(`findTailEvidence() finds no proof when ${name}`, async () => {
    for (const lineFeeds of [0, 1, CHUNK_SIZE]) {
      const { proof, sequenceNamed, writtenEnd, exhausted, size } = await evidenceOf([
        ...parts,
        { lineFeeds },
      ]);
      assertEquals({ proof, sequenceNamed, exhausted }, {
        proof: null,
        sequenceNamed: seen,
        exhausted: false,
      });
      assertEquals(writtenEnd, size - lineFeeds - 1);
    }
  });
}

test("findTailEvidence() prefers what is proven to what damaged lines before it seem to name", async () => {
  const { sequenceNamed } = await evidenceOf([rotten, { text: "[900,1\n" }, { pad: 1 }]);
  assertEquals(sequenceNamed, 2);
});

test("findTailEvidence() notes the end of a last line that has no line feed", async () => {
  const { writtenEnd, size } = await evidenceOf([rotten, { text: "torn" }]);
  assertEquals(writtenEnd, size);
});

/** Looks after damage for batches that could begin anywhere: every checksum is wrong, and `meter` counts the reading. */
async function searchInVain(parts: readonly Part[]) {
  const { fs, file, size } = segmentOf([rotten, ...parts]);
  const meter = metered(fs);
  const reader = await SegmentReader.open(meter.fs, file);
  while (await reader.read() !== null);
  meter.bytesRead = meter.bufferMax = 0;
  const { proof, exhausted } = await findTailEvidence(reader, reader.soundEnd, () => 1);
  await reader.close();
  return { proof, exhausted, meter, size };
}

const filler = { text: "x".repeat(MEBIBYTE) + "\n" };
/** The last line of a batch that begins with 7, with a wrong checksum. */
const batchEnd = { text: 'x,6,0,"00000000"]\n' };

test("findTailEvidence() reads no more for one batch than a batch can have", async () => {
  const far = [{ text: "[7,1\n" }, ...Array(17).fill(filler), batchEnd];
  const { proof, exhausted, meter } = await searchInVain(far);
  assertEquals([proof, exhausted], [null, false]);
  assert(meter.bufferMax <= BATCH_SIZE_MAX, `${meter.bufferMax} bytes were read at once`);
  // Each byte once, but for what is kept of a line while the buffer grows.
  assert(meter.bytesRead < 19 * MEBIBYTE, `${meter.bytesRead} bytes were read`);
});

test("findTailEvidence() gives up, and says so, when a file is made to prolong the search", async () => {
  const near = [{ text: "x" + "[7,".repeat(16) + "\n" }, ...Array(5).fill(filler)];
  const one = await searchInVain([...near, batchEnd]);
  assertEquals([one.proof, one.exhausted], [null, false]);
  const many = await searchInVain([...near, ...Array(10).fill(batchEnd)]);
  assertEquals([many.proof, many.exhausted], [null, true]);
  const limit = 21 * (many.size + BATCH_SIZE_MAX);
  assert(many.meter.bytesRead < limit, `${many.meter.bytesRead} bytes were read`);
});
