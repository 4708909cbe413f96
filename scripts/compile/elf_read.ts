// Reads the headers of an ELF file (64 bits, little-endian, as all our targets have), trusting none of them.
//
// The names of fields are those of elf(5).

/** A file that isn't what the headers claim. The message says in which way. */
export class ElfError extends Error {
  override name = "ElfError";
}

/** A program header: which bytes of the file go where in memory. */
export interface Segment {
  /** Where its header is in the file. */
  headerOffset: number;
  type: number;
  flags: number;
  offset: number;
  vaddr: number;
  filesz: number;
  memsz: number;
  align: number;
}

/** A section header, as far as it says where things are. */
export interface Section {
  headerOffset: number;
  flags: number;
  addr: number;
  offset: number;
}

/** What is loaded, and for which machine. */
export interface Elf {
  machine: number;
  phoff: number;
  segments: Segment[];
}

/** Where the sections are, for debuggers and linkers. */
export interface Sections {
  shoff: number;
  sections: Section[];
}

/** Segment types and a flag of a segment, and one of a section. */
export const PT = { LOAD: 1, DYNAMIC: 2, INTERP: 3, NOTE: 4, PHDR: 6 } as const;
/** The flag of a segment that may only be read. */
export const PF_R = 4;
/** The flag of a section that is in memory. */
export const SHF_ALLOC = 2;

/** Where fields are: in the header of the file, in a program header, in a section header. */
export const FIELD = {
  machine: 18,
  phoff: 32,
  shoff: 40,
  phentsize: 54,
  phnum: 56,
  shentsize: 58,
  shnum: 60,
  p: { type: 0, flags: 4, offset: 8, vaddr: 16, paddr: 24, filesz: 32, memsz: 40, align: 48 },
  sh: { flags: 8, addr: 16, offset: 24 },
} as const;

const HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const SECTION_HEADER_SIZE = 64;
const MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;

/** Reads what a kernel reads. Throws {@linkcode ElfError} when the file contradicts itself. */
export function readElf(bytes: Uint8Array): Elf {
  if (bytes.length < HEADER_SIZE || MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw new ElfError("it is not an ELF file");
  }
  if (bytes[4] !== CLASS_64 || bytes[5] !== LITTLE_ENDIAN) {
    throw new ElfError("it is not an ELF file of 64 bits, little-endian");
  }
  const view = viewOf(bytes);
  const phoff = wide(view, FIELD.phoff, "the offset of the program headers");
  const segments = table(view, phoff, FIELD.phnum, PROGRAM_HEADER_SIZE, "program headers")
    .map((at) => readSegment(view, at));
  if (segments.length === 0) throw new ElfError("it has no program headers");
  return { machine: view.getUint16(FIELD.machine, true), phoff, segments };
}

/** The loader that a program asks for, which belongs to its C library; `null` for one that needs none. */
export function interpreterOf(bytes: Uint8Array): string | null {
  const found = readElf(bytes).segments.find(({ type }) => type === PT.INTERP);
  if (found === undefined) return null;
  const path = bytes.subarray(found.offset, found.offset + found.filesz);
  return new TextDecoder().decode(path).replace(/\0.*$/s, "");
}

/**
 * Reads the section headers, which no kernel looks at.
 * Throws {@linkcode ElfError} when they can't be what they claim.
 */
export function readSections(bytes: Uint8Array): Sections {
  const view = viewOf(bytes);
  const shoff = wide(view, FIELD.shoff, "the offset of the section headers");
  const sections = table(view, shoff, FIELD.shnum, SECTION_HEADER_SIZE, "section headers")
    .map((at) => ({
      headerOffset: at,
      flags: wide(view, at + FIELD.sh.flags, "a section's flags"),
      addr: wide(view, at + FIELD.sh.addr, "a section's address"),
      offset: wide(view, at + FIELD.sh.offset, "a section's offset"),
    }));
  return { shoff, sections };
}

/** A view of exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The offsets of the entries of a table whose entry size comes before its count. */
function table(view: DataView, start: number, countAt: number, size: number, what: string) {
  const count = view.getUint16(countAt, true);
  if (count === 0) return [];
  const found = view.getUint16(countAt - 2, true);
  if (found !== size) throw new ElfError(`its ${what} have ${found} bytes each: wanted ${size}`);
  if (start + count * size > view.byteLength) {
    throw new ElfError(`its ${what} extend past the end of the file`);
  }
  return Array.from({ length: count }, (_, index) => start + index * size);
}

function readSegment(view: DataView, at: number): Segment {
  const segment = {
    headerOffset: at,
    type: view.getUint32(at + FIELD.p.type, true),
    flags: view.getUint32(at + FIELD.p.flags, true),
    offset: wide(view, at + FIELD.p.offset, "a segment's offset"),
    vaddr: wide(view, at + FIELD.p.vaddr, "a segment's address"),
    filesz: wide(view, at + FIELD.p.filesz, "a segment's size in the file"),
    memsz: wide(view, at + FIELD.p.memsz, "a segment's size in memory"),
    align: wide(view, at + FIELD.p.align, "a segment's alignment"),
  };
  const where = `the segment at offset ${hex(segment.offset)}`;
  if (segment.type !== PT.LOAD) return segment;
  if (segment.offset + segment.filesz > view.byteLength) {
    throw new ElfError(`${where} extends past the end of the file`);
  }
  if (segment.filesz > segment.memsz) {
    throw new ElfError(`${where} is larger in the file than in memory`);
  }
  return segment;
}

/** Reads 64 bits. Half of what a double can count is far beyond any program, and sums stay exact. */
function wide(view: DataView, at: number, what: string): number {
  const value = view.getBigUint64(at, true);
  if (value <= BigInt(Number.MAX_SAFE_INTEGER) / 2n) return Number(value);
  throw new ElfError(`${what} is impossible: ${hex(value)}`);
}

/** A number as tools for ELF files write it. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
