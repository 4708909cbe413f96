// Checks whether Linux can load a program, at every page size that its machine may have.
//
// The kernel maps whole pages. Two segments that share one, the second mapped over the end of the first, cost the
// first what it had there: `deno compile` puts its segment right after `.bss`, in the same page wherever pages
// are larger than 4 KiB, and the program crashes as it starts on a Raspberry Pi 5 (16 KiB).

import { ElfError, hex, PT, readElf, type Segment } from "./elf_read.ts";

/** What is wrong, in words; with the page size at which it is, or `null` when it is at any. */
export interface ElfFinding {
  pageSize: number | null;
  problem: string;
}

/** What the check saw. */
export interface ElfReport {
  /** `e_machine`, or `null` for a file that has none. */
  machine: number | null;
  /** The page sizes that were tried. */
  pageSizes: readonly number[];
  findings: ElfFinding[];
}

const KIB = 1024;
const AARCH64 = 183;

/** The page sizes of Linux on a machine: 4, 16 or 64 KiB on arm64, depending on its kernel; otherwise 4. */
export function pageSizesOf(machine: number): readonly number[] {
  return machine === AARCH64 ? [4 * KIB, 16 * KIB, 64 * KIB] : [4 * KIB];
}

/** Checks the bytes of a program. Without findings, every page size can load it. */
export function checkElf(bytes: Uint8Array, pageSizes?: readonly number[]): ElfReport {
  try {
    const { machine, segments } = readElf(bytes);
    const sizes = pageSizes ?? pageSizesOf(machine);
    const loads = segments.filter(({ type }) => type === PT.LOAD);
    const findings = loads.length === 0
      ? [{ pageSize: null, problem: "nothing in it is to be loaded" }]
      : sizes.flatMap((pageSize) => problemsAt(loads, pageSize));
    return { machine, pageSizes: sizes, findings };
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    const findings = [{ pageSize: null, problem: error.message }];
    return { machine: null, pageSizes: [], findings };
  }
}

function problemsAt(loads: readonly Segment[], pageSize: number): ElfFinding[] {
  const problems = loads
    .filter(({ filesz, offset, vaddr }) => filesz > 0 && (vaddr - offset) % pageSize !== 0)
    .map((load) => `${nameOf(load)} can't be mapped from offset ${hex(load.offset)}`);
  const sorted = loads.filter(({ memsz }) => memsz > 0).sort((a, b) => a.vaddr - b.vaddr);
  // The farthest end so far: a long segment can reach past its neighbour.
  let before: Segment | undefined;
  for (const load of sorted) {
    if (before !== undefined && pageStart(load.vaddr, pageSize) < pageEnd(before, pageSize)) {
      problems.push(`${nameOf(load)} overlaps ${nameOf(before)}`);
    }
    if (before === undefined || endOf(load) > endOf(before)) before = load;
  }
  return problems.map((problem) => ({ pageSize, problem }));
}

/** The first byte after a segment in memory. */
export function endOf(segment: Segment): number {
  return segment.vaddr + segment.memsz;
}

function pageStart(address: number, pageSize: number): number {
  return address - address % pageSize;
}

function pageEnd(segment: Segment, pageSize: number): number {
  return pageStart(endOf(segment) + pageSize - 1, pageSize);
}

function nameOf(segment: Segment): string {
  return `the segment ${hex(segment.vaddr)} to ${hex(endOf(segment))}`;
}

/** One line for each finding, with the page sizes at which it is. */
export function describeFindings(findings: readonly ElfFinding[]): string[] {
  const sizes = new Map<string, string[]>();
  for (const { pageSize, problem } of findings) {
    const pageSizes = sizes.get(problem) ?? [];
    if (pageSize !== null) pageSizes.push(`${pageSize / KIB}`);
    sizes.set(problem, pageSizes);
  }
  return [...sizes].map(([problem, at]) =>
    at.length === 0 ? problem : `${problem}, with pages of ${at.join(" and ")} KiB`
  );
}
