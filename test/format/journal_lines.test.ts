// Tests that journal lines read back as the batches that were written, in pieces of any size, and that nothing else does.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { BatchEncoder, encodeHeader, encodeSeal, hex8 } from "../../src/format/encode.ts";
import type { SegmentHeader } from "../../src/format/format.ts";
import { readControlLine, readHeader, scanBatches } from "../../src/format/scan.ts";
import { Random, testSeed } from "../support/random.ts";
import { drawJson } from "../support/random_json.ts";
import { parseBatch } from "../../src/format/batch_scan.ts";
import { batchLines, controlLine } from "../support/files.ts";

const encode = (text: string) => new TextEncoder().encode(text);

const ROUNDS = 400;
const SEED = 0x12345678;

function encoded(groups: string[][], horizon = 0): Uint8Array {
  const encoder = new BatchEncoder(crc32);
  const parts: Uint8Array[] = [];
  for (const texts of groups) {
    parts.push(encoder.encode(texts, horizon, 1000 + horizon, SEED).slice());
    horizon += texts.length;
  }
  return joined(parts);
}

function joined(parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Scans as a reader does: on from where the last call stopped. */
function scanAll(bytes: Uint8Array, expected = 1, size = Infinity) {
  const mutations: unknown[] = [];
  const sequences: number[] = [];
  let from = 0;
  let room = size;
  for (;;) {
    const part = bytes.subarray(from, from + room);
    const atEnd = from + part.length === bytes.length;
    const found = scanBatches({ bytes: part, base: from, seed: SEED, crc32 }, expected, atEnd);
    for (const batch of found.batches) {
      for (const [i, mutation] of batch.mutations.entries()) {
        mutations.push(mutation);
        sequences.push(batch.sequenceFirst + i);
      }
      expected = batch.sequenceLast + 1;
    }
    if (found.damage !== null || (atEnd && found.consumed === part.length)) {
      return { mutations, sequences, damage: found.damage, sealed: found.sealed };
    }
    from += found.consumed;
    if (found.consumed === 0) room += size;
  }
}

test("scanBatches() gives what BatchEncoder wrote, for whatever pieces the bytes come in", () => {
  const seed = testSeed("journal lines");
  for (let round = 0; round < ROUNDS; round++) {
    const random = new Random(seed + round);
    const groups = Array.from(
      { length: 1 + random.below(5) },
      () => Array.from({ length: 1 + random.below(4) }, () => JSON.stringify(drawJson(random))),
    );
    const bytes = encoded(groups);
    const { mutations, sequences, damage } = scanAll(bytes, 1, 1 + random.below(200));
    assertEquals(damage, null);
    assertEquals(mutations.map((mutation) => JSON.stringify(mutation)), groups.flat());
    assertEquals(sequences, groups.flat().map((_, i) => i + 1));
  }
});

test("scanBatches() gives a prefix of the batches when one byte is changed", () => {
  const seed = testSeed("journal lines changed");
  const groups = [["1"], ['"01234567"', "[2,3]"], ["{}"], ['"x"', "null", "[]"]];
  const bytes = encoded(groups);
  const random = new Random(seed);
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at]! ^= 1 + random.below(255);
    const { mutations } = scanAll(changed);
    const texts = mutations.map((mutation) => JSON.stringify(mutation));
    assertEquals(texts, groups.flat().slice(0, texts.length), `byte ${at}, seed ${seed}`);
    assert(texts.length < groups.flat().length, `byte ${at} made no difference`);
  }
});

const sealOf = (sequence: number) => encodeSeal({ sequence }, crc32, SEED);
const feeds = new Uint8Array(5000).fill(10);
const text = (content: string) => new TextEncoder().encode(content);

const rows: {
  name: string;
  bytes: Uint8Array;
  count: number;
  reason: string | null;
  sealed?: boolean;
}[] = [
  { name: "nothing", bytes: new Uint8Array(0), count: 0, reason: null },
  { name: "line feeds alone", bytes: feeds, count: 0, reason: null },
  {
    name: "line feeds between batches",
    bytes: joined([encoded([["1"]]), feeds, encoded([["2"]], 1)]),
    count: 2,
    reason: null,
  },
  {
    name: "a seal at the end",
    bytes: joined([encoded([["1"]]), sealOf(1)]),
    count: 1,
    reason: null,
    sealed: true,
  },
  {
    name: "a seal in between",
    bytes: joined([encoded([["1"]]), sealOf(1), encoded([["2"]], 1)]),
    count: 2,
    reason: null,
    sealed: false,
  },
  {
    name: "a seal for another sequence",
    bytes: joined([encoded([["1"]]), sealOf(2)]),
    count: 1,
    reason: "gap",
  },
  {
    name: "a seal that lists a later mutation as refused",
    bytes: joined([encoded([["1"]]), encodeSeal({ sequence: 1, refused: [[2, 2]] }, crc32, SEED)]),
    count: 1,
    reason: "malformed",
  },
  {
    name: "a seal with a range that has no end",
    bytes: joined([
      encoded([["1"]]),
      encodeSeal({ sequence: 1, refused: [[1] as unknown as [number, number]] }, crc32, SEED),
    ]),
    count: 1,
    reason: "malformed",
  },
  {
    name: "a missing batch",
    bytes: joined([encoded([["1"]]), encoded([["3"]], 2)]),
    count: 1,
    reason: "gap",
  },
  {
    name: "a repeated batch",
    bytes: joined([encoded([["1"]]), encoded([["1"]])]),
    count: 1,
    reason: "repeated",
  },
  {
    name: "a batch without its end",
    bytes: encoded([["1"], ["2"]]).slice(0, -1),
    count: 1,
    reason: "unterminated",
  },
  { name: "zeros", bytes: new Uint8Array(100), count: 0, reason: "unterminated" },
  {
    name: "zeros and a line feed",
    bytes: joined([new Uint8Array(9), text("\n")]),
    count: 0,
    reason: "malformed",
  },
  { name: "a bare line of JSON", bytes: text("[1,2]\n{}\n"), count: 0, reason: "malformed" },
  { name: "a wrong checksum", bytes: text('[1,1,0,0,"00000000"]\n'), count: 0, reason: "checksum" },
];

for (const { name, bytes, count, reason, sealed } of rows) {
  test(`scanBatches() finds ${count} mutations and ${reason ?? "no damage"} in ${name}`, () => {
    const found = scanAll(bytes);
    assertEquals(found.mutations.length, count);
    assertEquals(found.damage?.reason ?? null, reason);
    if (sealed !== undefined) assertEquals(found.sealed === true, sealed);
  });
}

/** Lines whose checksum is right but whose fields contradict each other, as only a hand could write them. */
const contradictions = [
  '[1,"m",1,0,',
  '[2,"m",0,0,',
  '[1,"a"]\n[3,"m",0,0,',
  '[1,"a"]\n[2,"m",1,0,',
  '[1,"m",0,"0",',
  '[1.5,"m",0.5,0,',
  '[-1,"m",-2,0,',
  '[1,"m",0,0,0,',
  '[1,]\n[2,"m",0,0,',
  '[9007199254740993,"m",9007199254740992,0,',
  '[9007199254740991,"m",9007199254740990,0,',
  '[1,"a"]\n[2,"m",0,0,{"groups":[[1,3]]},',
  '[1,"a"]\n[2,"m",0,0,{"groups":[[0,1]]},',
  '[1,"a"]\n[2,"m",0,0,{"groups":[[1,1,1]]},',
  '[1,"m",0,0,{"groups":[1]},',
  '[1,"m",0,0,{"refused":[[1,1]]},',
];

for (const body of contradictions) {
  test(`scanBatches() refuses a batch made by hand: ${JSON.stringify(body)}`, () => {
    const lines = `${body}"${hex8(crc32(body, SEED))}"]`;
    const found = scanAll(text(`${lines}\n`));
    assertEquals(found.mutations, []);
    assert(found.damage !== null);
    assertEquals(parseBatch(lines, { offset: 0, offsetEnd: lines.length + 1, checksum: 0 }), null);
  });
}

const header: SegmentHeader = {
  ministate: "journal",
  format: 1,
  id: "0123456789abcdef",
  first: 1,
  mutator: "m",
  version: 1,
  timestamp: 0,
};

const headers: { name: string; content: object; kind: string }[] = [
  { name: "our own", content: header, kind: "sound" },
  { name: "a newer format", content: { ...header, format: 2 }, kind: "newer" },
  { name: "a snapshot's", content: { ...header, ministate: "snapshot" }, kind: "foreign" },
  { name: "no sequence", content: { ...header, first: "1" }, kind: "damaged" },
  { name: "a format of 0", content: { ...header, format: 0 }, kind: "damaged" },
  { name: "no id", content: { ...header, id: 5 }, kind: "damaged" },
];

for (const { name, content, kind } of headers) {
  test(`readHeader() calls a header ${kind} when it has ${name}`, () => {
    const { bytes } = encodeHeader(content as SegmentHeader, crc32);
    assertEquals(readHeader<SegmentHeader>(bytes, "journal", crc32).kind, kind);
  });
}

test("readHeader() distinguishes foreign files from damaged files of ours", () => {
  const kinds = [
    "// MINISTORE JOURNAL v0.1.0\n",
    '{"by":1}\n',
    "[1]\n",
    '{"ministate":"journal"}\n',
    "\n",
    "",
  ]
    .map((line) => readHeader<SegmentHeader>(text(line), "journal", crc32).kind);
  assertEquals(kinds, ["foreign", "foreign", "foreign", "damaged", "damaged", "damaged"]);
});

test("readControlLine() refuses a line when any byte of it is changed", () => {
  const line = sealOf(12).subarray(0, -1);
  assert(readControlLine(line, crc32, SEED) !== null);
  assertEquals(readControlLine(line, crc32, SEED + 1), null);
  for (let at = 0; at < line.length; at++) {
    const changed = line.slice();
    changed[at]! ^= 1;
    assertEquals(readControlLine(changed, crc32, SEED), null, `byte ${at}`);
  }
});

test("scanBatches() computes a batch's checksum once, however many of its records look like the end of a batch", () => {
  let summed = 0;
  const counting = (bytes: Uint8Array, seed: number) => {
    summed += bytes.length;
    return crc32(bytes, seed);
  };
  const bytes = new BatchEncoder(crc32).encode(Array(2000).fill('"deadbeef"'), 0, 0, 1).slice();
  const { batches, damage } = scanBatches({ bytes, base: 0, seed: 1, crc32: counting }, 1, true);
  assertEquals(damage, null);
  assertEquals(batches[0]?.mutations.length, 2000);
  assert(summed <= bytes.length, `${summed} bytes summed of ${bytes.length}`);
});

test("readControlLine() gives null when the checksum is right and the line is not JSON", () => {
  const open = '{"seal":nonsense';
  const line = `${open},"crc":"${crc32(open).toString(16).padStart(8, "0")}"}`;
  assertEquals(readControlLine(encode(line), crc32, 0), null);
  assertEquals(
    readControlLine(encode(controlLine({ seal: 1 }).trimEnd()), crc32, 0)?.content.seal,
    1,
  );
});

test("parseBatch() gives null when the lines contradict each other", () => {
  const text = batchLines(1, ["a", "b", "c"], 5, 0);
  const place = { offset: 0, offsetEnd: text.length, checksum: 7 };
  assertEquals(parseBatch(text.trimEnd(), place)?.mutations, ["a", "b", "c"]);
  for (const wrong of ["[1,1]", "[3,1]", "[2]", "[2,1,1]", "2"]) {
    assertEquals(parseBatch(text.trimEnd().replace('[2,"b"]', wrong), place), null, wrong);
  }
  for (const last of ["3", "{}", "null"]) {
    assertEquals(parseBatch(text.trimEnd().replace(/\[3,"c".*/, last), place), null, last);
  }
});
