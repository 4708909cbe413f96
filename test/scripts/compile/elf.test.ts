// Tests the check of a program's layout: what Linux maps at each page size, lying headers, and the repair.

import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { checkElf, describeFindings } from "../../../scripts/compile/elf.ts";
import {
  FIELD,
  interpreterOf,
  PT,
  readElf,
  readSections,
} from "../../../scripts/compile/elf_read.ts";
import { separateAppended } from "../../../scripts/compile/elf_shift.ts";
import {
  appendedFile,
  elfFile,
  MACHINE,
  programSegments,
  type SegmentSpec,
} from "../../support/elf_file.ts";
import { Random, testSeed } from "../../support/random.ts";

/** The page sizes, in KiB, at which something is wrong. */
function badAt(bytes: Uint8Array): (number | null)[] {
  const sizes = checkElf(bytes).findings.map(({ pageSize }) => pageSize && pageSize / 1024);
  return [...new Set(sizes)];
}

const first = { offset: 0, filesz: 0x1000 };
const layouts: [string, SegmentSpec[], number[]][] = [
  ["finds nothing in one segment", [first], []],
  ["finds nothing in segments 64 KiB apart", [first, { offset: 0x10000, filesz: 1 }], []],
  ["finds an overlap at 16 and 64 KiB where there is none at 4", [
    first,
    { offset: 0x1000, filesz: 1 },
  ], [16, 64]],
  ["finds an overlap at 64 KiB alone", [first, { offset: 0x4000, filesz: 1 }], [64]],
  ["finds an overlap in one page of 4 KiB", [
    { offset: 0, filesz: 0xf00 },
    { offset: 0xf80, filesz: 1 },
  ], [4, 16, 64]],
  ["counts .bss, which is not in the file", [
    { offset: 0, filesz: 0x100, memsz: 0x4100 },
    { offset: 0x5000, filesz: 1 },
  ], [16, 64]],
  ["sees a long segment reach past its neighbour", [
    { offset: 0, filesz: 0x10, memsz: 0x40000 },
    { offset: 0x10000, filesz: 1 },
    { offset: 0x30000, filesz: 1 },
  ], [4, 16, 64]],
  ["doesn't depend on the order of the headers", [
    { offset: 0x1000, filesz: 1 },
    first,
  ], [16, 64]],
  ["passes over segments that take no memory", [
    first,
    { offset: 0x1000, filesz: 0 },
  ], []],
  ["passes over what isn't loaded", [
    first,
    { type: PT.NOTE, offset: 0x100, filesz: 0x20 },
  ], []],
  ["finds an address that does not fit the offset at 16 and 64 KiB", [
    { offset: 0x1000, vaddr: 0x42000, filesz: 1 },
  ], [16, 64]],
];
for (const [name, segments, wanted] of layouts) {
  test(`checkElf() ${name}`, () => assertEquals(badAt(elfFile({ segments })), wanted));
}

test("checkElf() tries only 4 KiB on x86-64, which has no other page sizes", () => {
  const segments = [first, { offset: 0x1000, filesz: 1 }];
  const { pageSizes, findings } = checkElf(elfFile({ machine: MACHINE.x86_64, segments }));
  assertEquals([pageSizes, findings], [[4096], []]);
});

test("describeFindings() says each problem once, with its page sizes", () => {
  const { findings } = checkElf(elfFile({ segments: [first, { offset: 0x1000, filesz: 1 }] }));
  assertEquals(describeFindings(findings), [
    "the segment 0x1000 to 0x1001 overlaps the segment 0x0 to 0x1000, with pages of 16 and 64 KiB",
  ]);
});

const sound = () => elfFile({ segments: programSegments() });
/** Changes bytes at an offset of a sound file. */
function spoilt(at: number, ...bytes: number[]): Uint8Array {
  const file = sound();
  file.set(bytes, at);
  return file;
}
const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
const liars: [string, Uint8Array, RegExp][] = [
  ["no bytes", new Uint8Array(), /not an ELF/],
  ["a script", new TextEncoder().encode("#!/bin/sh\n".padEnd(100)), /not an ELF/],
  ["the start of an ELF file", sound().slice(0, 40), /not an ELF/],
  ["a file of 32 bits", spoilt(4, 1), /64 bits/],
  ["a big-endian file", spoilt(5, 2), /little-endian/],
  ["no program headers", spoilt(FIELD.phnum, 0, 0), /no program headers/],
  ["more program headers than bytes", spoilt(FIELD.phnum, 0xff, 0xff), /past the end of the file/],
  ["program headers after the end", spoilt(FIELD.phoff, 0, 0, 0, 0, 1), /past the end of the file/],
  ["program headers at an impossible place", spoilt(FIELD.phoff, ...huge), /impossible/],
  ["program headers of another size", spoilt(FIELD.phentsize, 32), /32 bytes each/],
  ["a segment of an impossible size", spoilt(64 + FIELD.p.memsz, ...huge), /impossible/],
  ["a file cut off", sound().slice(0, 0x2050), /past the end of the file/],
  ["a segment larger in the file than in memory", spoilt(64 + FIELD.p.memsz, 0, 1), /larger in/],
  ["nothing to load", elfFile({ segments: [{ type: PT.NOTE, offset: 0, filesz: 1 }] }), /nothing/],
];
for (const [name, bytes, problem] of liars) {
  test(`checkElf() reports ${name}`, () => {
    const { findings } = checkElf(bytes);
    assertEquals(findings.map(({ pageSize }) => pageSize), [null]);
    assertMatch(findings[0]!.problem, problem);
  });
}

test("checkElf() returns for any headers", () => {
  const random = new Random(testSeed("elf"));
  for (let round = 0; round < 2000; round++) {
    const file = elfFile({ segments: [first, { offset: 0x1000, filesz: 8 }] });
    // After the bytes that identify an ELF file of the right kind.
    for (let count = 0; count < 4; count++) file[8 + random.below(168)] = random.below(256);
    assert(Array.isArray(checkElf(file).findings));
  }
});

test("separateAppended() moves what deno compile appends to a separate page", () => {
  const before = appendedFile();
  assertEquals(badAt(before), [16, 64]);
  const after = separateAppended(before);
  assert(typeof after !== "string", String(after));
  assertEquals(badAt(after), []);
  const moved = readElf(after);
  const [oldSections, sections] = [readSections(before), readSections(after)];
  assertEquals([moved.phoff, sections.shoff], [0x20000, oldSections.shoff + 0xb000]);
  assertEquals(moved.segments.map(({ offset, vaddr }) => [offset, vaddr]), [
    [0x20000, 0x20000],
    [0, 0],
    [0x2000, 0x12000],
    [0x20000, 0x20000],
    [0x20118, 0x20118],
  ]);
  assertEquals(moved.segments[3]?.align, 0x10000);
  assertEquals(sections.sections.map(({ addr, offset }) => [addr, offset]), [
    [0, 0],
    [0x12100, 0x2100],
    [0x20000, 0x20000],
  ]);
});

test("separateAppended() keeps every byte that is not a header", () => {
  const before = appendedFile();
  const after = separateAppended(before) as Uint8Array;
  assertEquals(after.subarray(64, 0x15000), before.subarray(64, 0x15000));
  assertEquals(after.subarray(0x20118, 0x20200), before.subarray(0x15118, 0x15200));
  assert(after.subarray(0x15000, 0x20000).every((byte) => byte === 0));
});

function cutSections(): Uint8Array {
  const file = appendedFile();
  return file.subarray(0, file.length - 1);
}
const immovable: [string, Uint8Array, RegExp][] = [
  [
    "a program that nothing was appended to",
    elfFile({
      segments: [first, { offset: 0x1000, filesz: 1 }],
    }),
    /not one that was appended/,
  ],
  ["a segment that may be written", appendedFile({ flags: 6 }), /written/],
  ["a segment with room after it", appendedFile({ memsz: 0x400 }), /room/],
  ["a segment whose address is not its offset", appendedFile({ vaddr: 0x16000 }), /does not fit/],
  ["a segment that overlaps another byte for byte", appendedFile({}, 0x3100), /byte for byte/],
  [
    "a segment with code in it",
    appendedFile({}, 0x2f00, PT.DYNAMIC),
    /more than the program headers/,
  ],
  ["section headers after the end", cutSections(), /past the end of the file/],
];
for (const [name, bytes, reason] of immovable) {
  test(`separateAppended() refuses ${name}`, () => {
    const refused = separateAppended(bytes);
    assert(typeof refused === "string");
    assertMatch(refused, reason);
  });
}

test("interpreterOf() names the loader of a program, and null without one", () => {
  const path = new TextEncoder().encode("/lib/ld-musl-aarch64.so.1\0");
  const where = { type: PT.INTERP, offset: 0x800, filesz: path.length };
  const bytes = elfFile({ segments: [first, where] });
  bytes.set(path, where.offset);
  assertEquals(interpreterOf(bytes), "/lib/ld-musl-aarch64.so.1");
  assertEquals(interpreterOf(elfFile({ segments: [first] })), null);
});
