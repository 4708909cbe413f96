// Makes small ELF files with exactly the headers that a test asks for.

import { FIELD, PT } from "../../scripts/compile/elf_read.ts";

/** The machines that tests name. */
export const MACHINE = { x86_64: 62, aarch64: 183 } as const;

/** A program header; what isn't given is zero, and a segment is loaded to where it is in the file. */
export interface SegmentSpec {
  type?: number;
  flags?: number;
  offset: number;
  vaddr?: number;
  filesz: number;
  memsz?: number;
  align?: number;
}

/** A section header, as far as the check reads it. */
export interface SectionSpec {
  flags: number;
  addr: number;
  offset: number;
}

/** What the file holds. */
export interface ElfSpec {
  machine?: number;
  /** Where the program headers are; by default right after the file header. */
  phoff?: number;
  segments: SegmentSpec[];
  /** Their headers are put at the end of the file. */
  sections?: SectionSpec[];
  /** How many bytes the file has at least. */
  size?: number;
}

const PHDR = 56;
const SHDR = 64;

/** Builds the file. Bytes that no header takes are 0xaa, so that a test sees where they go. */
export function elfFile(spec: ElfSpec): Uint8Array<ArrayBuffer> {
  const { machine = MACHINE.aarch64, phoff = 64, segments, sections = [] } = spec;
  const ends = segments.map(({ offset, filesz }) => offset + filesz);
  const shoff = Math.max(spec.size ?? 0, phoff + segments.length * PHDR, ...ends);
  const bytes = new Uint8Array(shoff + sections.length * SHDR).fill(0xaa);
  const view = new DataView(bytes.buffer);
  bytes.fill(0, 0, 64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 3, true); // position-independent
  view.setUint16(FIELD.machine, machine, true);
  view.setUint32(20, 1, true);
  view.setUint16(52, 64, true);
  view.setBigUint64(FIELD.phoff, BigInt(phoff), true);
  view.setBigUint64(FIELD.shoff, BigInt(sections.length === 0 ? 0 : shoff), true);
  view.setUint16(FIELD.phentsize, PHDR, true);
  view.setUint16(FIELD.phnum, segments.length, true);
  view.setUint16(FIELD.shentsize, SHDR, true);
  view.setUint16(FIELD.shnum, sections.length, true);
  segments.forEach((segment, index) => putSegment(view, phoff + index * PHDR, segment));
  sections.forEach((section, index) => putSection(view, shoff + index * SHDR, section));
  return bytes;
}

function putSegment(view: DataView, at: number, segment: SegmentSpec): void {
  const { type = PT.LOAD, flags = 4, offset, filesz, align = 0x10000 } = segment;
  const { vaddr = offset, memsz = filesz } = segment;
  view.setUint32(at + FIELD.p.type, type, true);
  view.setUint32(at + FIELD.p.flags, flags, true);
  const wide = { offset, vaddr, paddr: vaddr, filesz, memsz, align };
  for (const [name, value] of Object.entries(wide)) {
    view.setBigUint64(at + FIELD.p[name as keyof typeof wide], BigInt(value), true);
  }
}

function putSection(view: DataView, at: number, { flags, addr, offset }: SectionSpec): void {
  for (let byte = 0; byte < SHDR; byte += 8) view.setBigUint64(at + byte, 0n, true);
  view.setBigUint64(at + FIELD.sh.flags, BigInt(flags), true);
  view.setBigUint64(at + FIELD.sh.addr, BigInt(addr), true);
  view.setBigUint64(at + FIELD.sh.offset, BigInt(offset), true);
}

/** A program as Deno's: code, and data with a `.bss` that ends in the middle of a page of 16 KiB. */
export function programSegments(memsz = 0x2f00): SegmentSpec[] {
  return [
    { flags: 5, offset: 0, filesz: 0x2000 },
    { flags: 6, offset: 0x2000, vaddr: 0x12000, filesz: 0x100, memsz },
  ];
}

/**
 * The same as `deno compile` leaves it: the program headers and a note, in a segment right after `.bss`.
 *
 * @param changes to that segment
 * @param memsz of the segment with `.bss`
 * @param type of the segment that plays the note
 */
export function appendedFile(
  changes: Partial<SegmentSpec> = {},
  memsz = 0x2f00,
  type: number = PT.NOTE,
): Uint8Array<ArrayBuffer> {
  const at = 0x15000;
  return elfFile({
    phoff: at,
    segments: [
      { type: PT.PHDR, offset: at, filesz: 5 * PHDR, align: 8 },
      ...programSegments(memsz),
      { offset: at, filesz: 0x200, align: 0x1000, ...changes },
      { type, offset: at + 5 * PHDR, filesz: 0x40, align: 4 },
    ],
    sections: [
      { flags: 0, addr: 0, offset: 0 },
      { flags: 3, addr: 0x12100, offset: 0x2100 },
      { flags: 2, addr: at, offset: at },
    ],
  });
}
