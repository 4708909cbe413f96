// Computes what a power cut leaves of a logged disk: whatever was not flushed is kept, lost, or torn at sectors, each
// write independently and in any order.
//
// A file system may ask that some of its own blocks are never torn (`isWhole`); everything else may be.

import type { Random } from "../../testing/disk/random.ts";
import type { LogEntry, SavedLog } from "./write_log.ts";

const SECTOR_SIZE = 512;
/** The unit of both file systems, and of what `isWhole` looks at. */
const BLOCK_SIZE = 4096;

/** What the derived images may look like. */
export interface CrashRules {
  /** Whether a block of this content, at this byte of the disk, arrives whole or not at all. */
  isWhole(block: Uint8Array, place: number): boolean;
  /** A disk that says flushes are done and does nothing: everything from a drawn moment on is lost. */
  ignoresFlushes?: boolean;
}

/** The second word of a block of ext4's journal that commits a transaction. */
const JBD2_MAGIC = 0xc03b3998;
const JBD2_COMMIT = 2;

/**
 * For ext4: its checksum of a transaction is in the block that commits it, so a kernel that finds half of one refuses
 * the whole file system until `e2fsck` has run. That is its limit, not ours.
 */
export function isJournalCommit(block: Uint8Array): boolean {
  const view = new DataView(block.buffer, block.byteOffset);
  return block.length >= 8 && view.getUint32(0) === JBD2_MAGIC && view.getUint32(4) === JBD2_COMMIT;
}

/**
 * For ext4: its superblock is written in place and has a checksum. Half of one is refused by the kernel, and on a card
 * too small for a second superblock by `e2fsck -p` as well.
 */
export function isSuperblock(place: number): boolean {
  return place === 0;
}

/** For f2fs, whose own blocks have no checksum and must arrive whole: only our text is torn. */
export function isNotText(block: Uint8Array): boolean {
  return block.some((byte) => byte !== 10 && byte !== 0 && (byte < 32 || byte > 126));
}

/** Places in a log at which the power may go, as counts of entries before; in order, without repetition. */
export function drawMoments(log: readonly LogEntry[], count: number, random: Random): number[] {
  const begun = Math.max(0, log.findIndex(({ at }) => at === "said"));
  const intervals = flushIntervals(log).filter(({ from, to }) => to > Math.max(begun, from));
  // Names and sizes change rarely; without this, a snapshot's rename would hardly ever be hit.
  const rare = intervals.filter(({ hasMetadata }) => hasMetadata);
  const moments = new Set<number>([log.length]);
  for (let tries = 0; moments.size < count && tries < 20 * count; tries++) {
    const kind = random.below(3);
    if (kind === 0 || intervals.length === 0) {
      moments.add(begun + random.below(log.length - begun + 1));
    } else {
      const { from, to } = random.pick(kind === 1 && rare.length > 0 ? rare : intervals);
      // Right before a flush, everything since the last one is at stake.
      moments.add(random.chance(0.5) ? to - 1 : from + random.below(to - from + 1));
    }
  }
  return [...moments].sort((a, b) => a - b);
}

/** What lies between two flushes: the power may go at each of the counts of entries `from` to `to`. */
interface Interval {
  from: number;
  to: number;
  hasMetadata: boolean;
}

function flushIntervals(log: readonly LogEntry[]): Interval[] {
  const intervals: Interval[] = [{ from: 0, to: 0, hasMetadata: false }];
  log.forEach((entry, index) => {
    const interval = intervals.at(-1)!;
    // After the flush too: what it made durable may be all there is.
    interval.to = index + 1;
    if (entry.at === "write") {
      interval.hasMetadata ||= isNotText(entry.bytes.subarray(0, BLOCK_SIZE));
    }
    if (entry.at === "flush") {
      intervals.push({ from: index + 1, to: index + 1, hasMetadata: false });
    }
  });
  return intervals;
}

/** Derives images from one log, for moments in ascending order. */
export class CrashImages {
  readonly #log: readonly LogEntry[];
  readonly #rules: CrashRules;
  /** What is on the disk for certain. */
  readonly #durable: Uint8Array;
  #pending: (LogEntry & { at: "write" })[] = [];
  #moment = 0;

  constructor({ before, log }: SavedLog, rules: CrashRules) {
    this.#log = log;
    this.#rules = rules;
    this.#durable = before.slice();
  }

  /** One image of the disk when the power goes after `moment` entries. */
  imageAt(moment: number, random: Random): Uint8Array {
    if (moment < this.#moment) throw new RangeError("moments must ascend");
    while (this.#moment < moment) this.#pass(this.#log[this.#moment++]!);
    const image = this.#durable.slice();
    if (this.#rules.ignoresFlushes) {
      const arrived = this.#pending.slice(0, random.below(this.#pending.length + 1));
      for (const { offset, bytes } of arrived) image.set(bytes, offset);
      return image;
    }
    const arrival = drawArrival(random);
    for (const write of this.#pending) writePart(image, write, arrival(), this.#rules, random);
    return image;
  }

  #pass(entry: LogEntry): void {
    if (entry.at === "flush" && !this.#rules.ignoresFlushes) {
      for (const { offset, bytes } of this.#pending) this.#durable.set(bytes, offset);
      this.#pending = [];
    } else if (entry.at === "write") {
      if (entry.forced && !this.#rules.ignoresFlushes) this.#durable.set(entry.bytes, entry.offset);
      // Kept among the pending ones too: an older one to the same place must not come back over it.
      this.#pending.push(entry);
    }
  }
}

type Arrival = "kept" | "lost" | "torn";

/** The fate of the writes in one image: all alike, or each independent. */
function drawArrival(random: Random): () => Arrival {
  const kind = random.below(8);
  if (kind === 0) return () => "lost";
  if (kind === 1) return () => "kept";
  const kept = random.pick([0.2, 0.5, 0.8]);
  return () => random.chance(0.6) ? "torn" : random.chance(kept) ? "kept" : "lost";
}

function writePart(
  image: Uint8Array,
  { offset, bytes, forced }: LogEntry & { at: "write" },
  arrival: Arrival,
  { isWhole }: CrashRules,
  random: Random,
): void {
  if (arrival === "kept" || forced) return image.set(bytes, offset);
  if (arrival === "lost") return;
  const sectors = drawSectors(Math.ceil(bytes.length / SECTOR_SIZE), random);
  for (let at = 0; at < bytes.length; at += BLOCK_SIZE) {
    const block = bytes.subarray(at, at + BLOCK_SIZE);
    const first = at / SECTOR_SIZE;
    if (isWhole(block, offset + at)) {
      if (sectors(first)) image.set(block, offset + at);
      continue;
    }
    for (let sector = 0; sector * SECTOR_SIZE < block.length; sector++) {
      if (!sectors(first + sector)) continue;
      const from = sector * SECTOR_SIZE;
      image.set(block.subarray(from, from + SECTOR_SIZE), offset + at + from);
    }
  }
}

/** Which sectors of a torn write arrived: those before a place, those after it, or any. */
function drawSectors(count: number, random: Random): (sector: number) => boolean {
  const place = random.below(count + 1);
  const kind = random.below(3);
  if (kind === 0) return (sector) => sector < place;
  if (kind === 1) return (sector) => sector >= place;
  return () => random.chance(0.5);
}
