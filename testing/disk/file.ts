/**
 * One file of the simulated disk: what programs read (the page cache), what is certainly on the disk (the synced
 * image), and the operations between the two, any of which a power cut can keep or lose.
 *
 * @module
 */

import { Bytes } from "./bytes.ts";
import type { Chooser } from "./chooser.ts";
import type { PowerCut } from "./power_cut.ts";
import { Random } from "./random.ts";

/** The unit, in bytes, that a disk writes completely or not at all. */
export const SECTOR_SIZE = 512;

type FileChange = { offset: number; bytes: Uint8Array } | { size: number } | { nameGiven: true };

/** Which sectors of a write reached the disk; a function decides for each sector. */
type Arrival = "all" | "none" | ((sector: number) => boolean);

/** A write of at most this many sectors can lose any set of them. A longer one has eight patterns. */
const SECTORS_ENUMERATED_MAX = 3;

/** The bytes of one file, apart from its names. */
export class SimulatedFile {
  #cached = new Bytes();
  #synced = new Bytes();
  #pending: FileChange[] = [];
  /** How many operations were made on the file so far. */
  #count = 0;
  /**
   * Whether programs read what a failed sync has dropped. If so, the synced bytes never catch up with the page cache.
   */
  #diverged = false;
  /** The last operation that a sync has covered. */
  #syncedTo = 0;
  /** The bytes that stood at each place before it was cut off: freed blocks can come back with their old bytes. */
  #ghosts = new Bytes();

  get size(): number {
    return this.#cached.size;
  }

  /** How many writes, truncations and namings were made so far. */
  get operationCount(): number {
    return this.#count;
  }

  /** What programs read now. Must not be changed. */
  get content(): Bytes {
    return this.#cached;
  }

  read(buffer: Uint8Array, offset: number): number {
    return this.#cached.read(buffer, offset);
  }

  write(bytes: Uint8Array, offset: number): void {
    // Copied, because the caller reuses its buffer.
    const copy = bytes.slice();
    this.#cached.write(copy, offset);
    this.#add({ offset, bytes: copy });
  }

  truncate(size: number): void {
    if (size < this.size) {
      const freed = new Uint8Array(this.size - size);
      this.#cached.read(freed, size);
      this.#ghosts.write(freed, size);
    }
    this.#cached.resize(size);
    this.#add({ size });
  }

  /** Replaces the file's bytes, synced. */
  become(content: Uint8Array): void {
    this.#cached = new Bytes();
    this.#cached.write(content.slice(), 0);
    this.#synced = this.#cached.copy();
    this.#pending = [];
    this.#diverged = false;
    this.#syncedTo = this.#count;
  }

  /** Records that the file got a name. Returns the number of that operation. */
  recordName(): number {
    this.#add({ nameGiven: true });
    return this.#count;
  }

  /** Whether operation number `operation` is covered by a sync. */
  isSyncedSince(operation: number): boolean {
    return this.#syncedTo >= operation;
  }

  #add(operation: FileChange): void {
    this.#pending.push(operation);
    this.#count++;
  }

  /** Makes all operations up to number `until` durable. */
  sync(until: number = this.#count): void {
    this.#syncedTo = Math.max(this.#syncedTo, until);
    // Copy what programs read, which costs less than repeating every change.
    if (until === this.#count && !this.#diverged) {
      this.#pending = [];
      this.#synced = this.#cached.copy();
      return;
    }
    for (const operation of this.#take(until)) {
      if ("nameGiven" in operation) continue;
      if ("size" in operation) this.#synced.resize(operation.size);
      else this.#synced.write(operation.bytes, operation.offset);
    }
  }

  /**
   * Simulates a failing sync: some sectors arrive, the rest is dropped. The pages stay readable and count as clean, so
   * the next sync reports success without writing them, as on Linux.
   */
  failSync(until: number, chooser: Chooser): void {
    this.#diverged = true;
    for (const operation of this.#take(until)) {
      if ("nameGiven" in operation) continue;
      if ("size" in operation) {
        this.#synced.resize(operation.size);
        continue;
      }
      // The size is metadata, which is written independently.
      const end = operation.offset + operation.bytes.length;
      if (end > this.#synced.size) this.#synced.resize(end);
      writeSectors(this.#synced, operation, () => chooser.next() < 0.5);
    }
  }

  #take(until: number): FileChange[] {
    const countSynced = this.#count - this.#pending.length;
    return this.#pending.splice(0, Math.max(0, until - countSynced));
  }

  /**
   * Simulates what a power cut now could leave of the file.
   *
   * @param certain operations up to this number survive, whatever the rules
   */
  afterCut(rules: PowerCut, chooser: Chooser, certain = 0): SimulatedFile {
    const image = this.#synced.copy();
    const sizes = this.#sizes();
    const largest = Math.max(...sizes);
    // What a lost write leaves in grown space.
    if (largest > image.size) this.#fillGrown(image, largest, rules, chooser);
    let number = this.#count - this.#pending.length;
    let sizeLeast = 0;
    for (const operation of this.#pending) {
      number++;
      if (number <= certain) sizeLeast = number;
      if (!("bytes" in operation)) continue;
      writeSectors(
        image,
        operation,
        number <= certain ? "all" : arrivalOf(operation, rules, chooser),
      );
    }
    const countSynced = this.#count - this.#pending.length;
    image.resize(chooseSize(sizes.slice(Math.max(0, sizeLeast - countSynced)), rules, chooser));
    const file = new SimulatedFile();
    file.#cached = image;
    file.#synced = image.copy();
    return file;
  }

  /** The synced size, and the size after each later operation. */
  #sizes(): number[] {
    let size = this.#synced.size;
    const sizes = [size];
    for (const operation of this.#pending) {
      if ("size" in operation) size = operation.size;
      else if ("bytes" in operation) {
        size = Math.max(size, operation.offset + operation.bytes.length);
      }
      sizes.push(size);
    }
    return sizes;
  }

  #fillGrown(image: Bytes, sizeMax: number, rules: PowerCut, chooser: Chooser): void {
    const from = image.size;
    const kinds = ["zeros", "rubbish", "ghosts"] as const;
    const kind = rules.grown === "mixed" ? kinds[chooser.choose(kinds.length)]! : rules.grown;
    image.resize(sizeMax);
    if (kind === "zeros") return;
    const bytes = new Uint8Array(sizeMax - from);
    if (kind === "ghosts") this.#ghosts.read(bytes, from);
    else fillWithRubbish(bytes, chooser);
    image.write(bytes, from);
  }

  /** The same file with the same page cache, as the next process finds it. */
  copy(): SimulatedFile {
    const file = new SimulatedFile();
    file.#cached = this.#cached.copy();
    file.#synced = this.#synced.copy();
    file.#pending = [...this.#pending];
    file.#count = this.#count;
    file.#diverged = this.#diverged;
    file.#syncedTo = this.#syncedTo;
    file.#ghosts = this.#ghosts.copy();
    return file;
  }
}

/** Enough random bytes to take a part from anywhere: drawing each byte again would be most of the work of a cut. */
const RUBBISH = new Uint8Array(64 * 1024);
const noise = new Random(1);
for (let at = 0; at < RUBBISH.length; at++) RUBBISH[at] = noise.below(256);

function fillWithRubbish(bytes: Uint8Array, chooser: Chooser): void {
  const start = Math.floor(chooser.next() * RUBBISH.length);
  for (let at = 0; at < bytes.length;) {
    const part = RUBBISH.subarray(at === 0 ? start : 0).subarray(0, bytes.length - at);
    bytes.set(part, at);
    at += part.length;
  }
}

function chooseSize(sizes: number[], rules: PowerCut, chooser: Chooser): number {
  if (rules.sizes === "old") return sizes[0]!;
  if (rules.sizes === "new") return sizes.at(-1)!;
  const different = [...new Set(sizes)];
  return different[different.length === 1 ? 0 : chooser.choose(different.length)]!;
}

function arrivalOf(
  { offset, bytes }: { offset: number; bytes: Uint8Array },
  rules: PowerCut,
  chooser: Chooser,
): Arrival {
  if (rules.writes === "lost") return "none";
  if (rules.writes === "kept") return "all";
  if (rules.writes === "torn") return () => chooser.next() < 0.5;
  const first = Math.floor(offset / SECTOR_SIZE);
  const count = Math.ceil((offset + bytes.length) / SECTOR_SIZE) - first;
  if (count <= SECTORS_ENUMERATED_MAX) {
    const set = chooser.choose(2 ** count);
    return (sector) => (set >> sector & 1) === 1;
  }
  const patterns: Arrival[] = [
    "none",
    "all",
    (sector) => sector < count / 2,
    (sector) => sector >= count / 2,
    (sector) => sector > 0,
    (sector) => sector < count - 1,
    (sector) => sector % 2 === 0,
    () => chooser.next() < 0.5,
  ];
  return patterns[chooser.choose(patterns.length)]!;
}

function writeSectors(
  image: Bytes,
  { offset, bytes }: { offset: number; bytes: Uint8Array },
  arrives: Arrival,
): void {
  if (arrives === "none") return;
  if (arrives === "all") return image.write(bytes, offset);
  let sector = 0;
  for (let at = 0; at < bytes.length; sector++) {
    const end = Math.min(bytes.length, at + SECTOR_SIZE - (offset + at) % SECTOR_SIZE);
    if (arrives(sector)) image.write(bytes.subarray(at, end), offset + at);
    at = end;
  }
}
