/**
 * Reports which machine this is: architecture, page size, kernel, runtime.
 *
 * @module
 */

import { type DoctorFinding, type Fact, fine, isUnknown, unknownFinding } from "./finding.ts";

/** What is known about the machine. */
export interface PlatformFacts {
  runtime: string;
  architecture: string;
  /** The board's name. Only boards with a device tree have one. */
  model: Fact<string>;
  /** In bytes; `null` when the kernel's answer makes no sense. */
  pageSize: Fact<number | null>;
  /** Such as "6.12.34-rpi". */
  kernel: Fact<string>;
}

/** The key of the page size in the auxiliary vector, getauxval(3). */
const AT_PAGESZ = 6;

/** Architectures with four-byte words. All others that run Deno, Bun or Node have eight-byte words. */
const NARROW = new Set(["arm", "ia32", "mips", "mipsel"]);

/** Extracts the page size from `/proc/self/auxv`: pairs of words, a key and its value, in little-endian order. */
export function pageSizeFrom(auxv: Uint8Array, architecture: string): number | null {
  const view = new DataView(auxv.buffer, auxv.byteOffset, auxv.byteLength);
  const wordSize = NARROW.has(architecture) ? 4 : 8;
  // Keys and page sizes fit in the lower half of a word.
  for (let at = 0; at + 2 * wordSize <= auxv.length; at += 2 * wordSize) {
    if (view.getUint32(at, true) === AT_PAGESZ) return view.getUint32(at + wordSize, true);
  }
  return null;
}

/** Reports which machine this is. */
export function platformFindings(facts: PlatformFacts): DoctorFinding[] {
  const { runtime, architecture, model, kernel } = facts;
  const machine = isUnknown(model) ? architecture : `${model}, ${architecture}`;
  return [
    fine("machine", machine),
    pageSizeFinding(facts),
    isUnknown(kernel) ? unknownFinding("kernel", kernel) : fine("kernel", `Linux ${kernel}`),
    fine("runtime", runtime),
  ];
}

function pageSizeFinding({ pageSize }: PlatformFacts): DoctorFinding {
  const check = "page size";
  if (isUnknown(pageSize)) return unknownFinding(check, pageSize);
  if (pageSize === null) return unknownFinding(check, { unknown: "the kernel doesn't say" });
  const found = `${pageSize / 1024} KiB`;
  if (pageSize === 4096) return fine(check, found);
  return {
    check,
    mark: "notice",
    found: pageSize === 16384 ? `${found}, as on a Raspberry Pi 5` : found,
    // The code that "deno compile" appends is laid out for pages of 4 KiB, and can overlap the program's own memory.
    meaning: "State files don't depend on it, but a compiled program may crash as it starts",
    advice: "Start your compiled program here once; if it crashes, boot the kernel with pages of " +
      "4 KiB (Raspberry Pi: kernel=kernel8.img in config.txt)",
  };
}
