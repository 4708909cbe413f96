// Moves the segment that `deno compile` appends to the next page of the largest size, in the file and in memory.
//
// That is sound for what Deno appends, and refused for anything else: the segment begins with the program headers
// and holds nothing but notes. No code and no relocation knows its address. The program headers do, and the
// program finds its notes through them. Address and offset in the file move by the same amount, because kernels
// before 5.18 pass a program the place of its headers by their offset.

import { checkElf, endOf } from "./elf.ts";
import {
  type Elf,
  ElfError,
  FIELD,
  hex,
  PF_R,
  PT,
  readElf,
  readSections,
  type Sections,
  type Segment,
  SHF_ALLOC,
  viewOf,
} from "./elf_read.ts";

const PAGE_SIZE_MAX = 64 * 1024;

/** Returns the mended program, or why it can't be mended, as a sentence that names the segment. */
export function separateAppended(bytes: Uint8Array): Uint8Array | string {
  const elf = readElf(bytes);
  const loads = elf.segments.filter(({ type }) => type === PT.LOAD);
  const last = loads.toSorted((a, b) => a.vaddr - b.vaddr).at(-1);
  if (last === undefined) return "There is no segment to move";
  const reason = refusal(elf, loads, last);
  if (reason !== null) return `The segment at ${hex(last.vaddr)} can't be moved: ${reason}`;
  const sections = sectionsOf(bytes);
  if (typeof sections === "string") return `Its section headers can't be corrected: ${sections}`;
  const delta = (PAGE_SIZE_MAX - last.vaddr % PAGE_SIZE_MAX) % PAGE_SIZE_MAX;
  const moved = move(bytes, { ...elf, ...sections }, last, delta);
  const { findings } = checkElf(moved);
  if (findings.length === 0) return moved;
  return `Moving the segment at ${hex(last.vaddr)} did not help: ${findings[0]?.problem}`;
}

function sectionsOf(bytes: Uint8Array): Sections | string {
  try {
    return readSections(bytes);
  } catch (error) {
    if (error instanceof ElfError) return error.message;
    throw error;
  }
}

/** Why moving would break something, or `null`. */
function refusal(elf: Elf, loads: readonly Segment[], last: Segment): string | null {
  const others = loads.filter((load) => load !== last);
  if (elf.phoff !== last.offset) return "it is not one that was appended with the program headers";
  if (last.flags !== PF_R) return "it may be written or executed";
  if (last.filesz !== last.memsz) return "it has room that is not in the file";
  if (last.offset % PAGE_SIZE_MAX !== last.vaddr % PAGE_SIZE_MAX) {
    return "its offset in the file does not fit its address";
  }
  if (others.some((load) => endOf(load) > last.vaddr)) return "it overlaps another byte for byte";
  const strangers = elf.segments.filter((segment) =>
    segment !== last && segment.filesz > 0 && segment.offset + segment.filesz > last.offset &&
    !(isWithin(segment, last) && (segment.type === PT.PHDR || segment.type === PT.NOTE))
  );
  return strangers.length === 0 ? null : "it holds more than the program headers and notes";
}

function isWithin(segment: Segment, outer: Segment): boolean {
  return segment.offset >= outer.offset &&
    segment.vaddr - segment.offset === outer.vaddr - outer.offset &&
    segment.offset + segment.filesz <= outer.offset + outer.filesz;
}

/** Puts `delta` zeros before the segment, and corrects every offset of something after them. */
function move(
  bytes: Uint8Array,
  elf: Elf & Sections,
  last: Segment,
  delta: number,
): Uint8Array {
  const moved = new Uint8Array(bytes.length + delta);
  moved.set(bytes.subarray(0, last.offset));
  moved.set(bytes.subarray(last.offset), last.offset + delta);
  const view = viewOf(moved);
  const shifted = (offset: number) => offset >= last.offset ? offset + delta : offset;
  const add = (at: number) =>
    view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(delta), true);
  for (const { headerOffset, offset, vaddr, filesz } of elf.segments) {
    const at = shifted(headerOffset);
    if (offset < last.offset || filesz === 0) continue;
    add(at + FIELD.p.offset);
    if (vaddr >= last.vaddr) {
      for (const field of [FIELD.p.vaddr, FIELD.p.paddr]) add(at + field);
    }
  }
  view.setBigUint64(
    shifted(last.headerOffset) + FIELD.p.align,
    BigInt(Math.max(last.align, PAGE_SIZE_MAX)),
    true,
  );
  for (const { headerOffset, flags, addr, offset } of elf.sections) {
    const at = shifted(headerOffset);
    if (offset >= last.offset) add(at + FIELD.sh.offset);
    if (flags & SHF_ALLOC && addr >= last.vaddr) add(at + FIELD.sh.addr);
  }
  if (elf.phoff >= last.offset) add(FIELD.phoff);
  if (elf.shoff >= last.offset) add(FIELD.shoff);
  return moved;
}
