/**
 * One file of the memory disk: what programs read (the page cache), what is on the disk for certain (the synced
 * image), and the operations between the two, of which a power cut keeps whichever it likes.
 *
 * @module
 */

import type { Random } from "./random.ts";

/** The unit that a disk writes whole or not at all. */
export const SECTOR_SIZE = 512;

/** What a power cut does with an operation that was not synced. */
export type Fate = "lost" | "kept" | "torn";

/** How a power cut treats everything that was not synced. */
export interface CutChoice {
  /** Fate of each write; `mixed` draws one for each. */
  writes: Fate | "mixed";
  /** Fate of each name made, renamed or removed. */
  names: "lost" | "kept" | "mixed";
  /** The size a file gets: the synced one, the latest, or any it had in between. */
  sizes: "old" | "new" | "mixed";
  /** What stands in grown space whose bytes were lost: zeros, rubbish, or what once stood there. */
  grown: "zeros" | "rubbish" | "ghosts";
}

type Operation = { offset: number; bytes: Uint8Array } | { size: number };

/** Bytes that grow as they are written. */
class Bytes {
  data: Uint8Array<ArrayBuffer>;
  size: number;

  constructor(data: Uint8Array<ArrayBuffer> = new Uint8Array(0), size = 0) {
    this.data = data;
    this.size = size;
  }

  copy(): Bytes {
    return new Bytes(this.data.slice(0, this.size), this.size);
  }

  write(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.length;
    if (end > this.data.length) {
      const larger = new Uint8Array(Math.max(end, this.data.length * 2, 1024));
      larger.set(this.data.subarray(0, this.size));
      this.data = larger;
    }
    this.data.set(bytes, offset);
    this.size = Math.max(this.size, end);
  }

  resize(size: number): void {
    if (size < this.size) this.data.fill(0, size, this.size);
    else if (size > this.data.length) this.write(new Uint8Array(1), size - 1);
    this.size = size;
  }
}

/** The bytes of one file, apart from its names. */
export class SimulatedFile {
  #cached = new Bytes();
  #synced = new Bytes();
  #pending: Operation[] = [];
  /** Whatever stood at a place longest ago: freed blocks can come back with their old bytes in them. */
  #ghosts = new Bytes();

  get size(): number {
    return this.#cached.size;
  }

  /** What a program reads now. The array must not be changed. */
  get bytes(): Uint8Array {
    return this.#cached.data.subarray(0, this.#cached.size);
  }

  read(buffer: Uint8Array, offset: number): number {
    const part = this.bytes.subarray(offset, offset + buffer.length);
    buffer.set(part);
    return part.length;
  }

  write(bytes: Uint8Array, offset: number): void {
    // Copied: the caller goes on using its buffer.
    const copy = bytes.slice();
    this.#cached.write(copy, offset);
    this.#pending.push({ offset, bytes: copy });
  }

  truncate(size: number): void {
    const freed = this.bytes.slice(size);
    if (freed.length > 0) this.#ghosts.write(freed, size);
    this.#cached.resize(size);
    this.#pending.push({ size });
  }

  sync(): void {
    for (const operation of this.#pending) {
      if ("size" in operation) this.#synced.resize(operation.size);
      else this.#synced.write(operation.bytes, operation.offset);
    }
    this.#pending = [];
  }

  /**
   * A sync that fails: some sectors arrive, the rest is dropped. The pages stay readable and count as clean, so that
   * the next sync says yes without writing them, as Linux does.
   */
  failSync(random: Random): void {
    for (const operation of this.#pending) {
      if ("size" in operation) this.#synced.resize(operation.size);
      else {
        // The size is metadata, which goes its own way.
        const end = operation.offset + operation.bytes.length;
        if (end > this.#synced.size) this.#synced.resize(end);
        writeSectors(this.#synced, operation, () => random.chance(0.5));
      }
    }
    this.#pending = [];
  }

  /** Whether anything is not synced. */
  get dirty(): boolean {
    return this.#pending.length > 0;
  }

  /** What a power cut now could leave of the file. */
  afterCut(choice: CutChoice, random: Random): SimulatedFile {
    const image = this.#synced.copy();
    const sizes = [this.#synced.size];
    let size = this.#synced.size;
    const sizeMax = this.#pending.reduce(
      (most, operation) =>
        Math.max(most, "size" in operation ? 0 : operation.offset + operation.bytes.length),
      size,
    );
    if (sizeMax > size) this.#fillGrown(image, sizeMax, choice, random);
    for (const operation of this.#pending) {
      if ("size" in operation) {
        size = operation.size;
      } else {
        size = Math.max(size, operation.offset + operation.bytes.length);
        const fate = choice.writes === "mixed"
          ? random.pick<Fate>(["lost", "kept", "torn"])
          : choice.writes;
        if (fate === "kept") image.write(operation.bytes, operation.offset);
        if (fate === "torn") writeSectors(image, operation, () => random.chance(0.5));
      }
      sizes.push(size);
    }
    image.resize(
      choice.sizes === "old" ? sizes[0]! : choice.sizes === "new" ? size : random.pick(sizes),
    );
    const file = new SimulatedFile();
    file.#cached = image;
    file.#synced = image.copy();
    return file;
  }

  #fillGrown(image: Bytes, sizeMax: number, choice: CutChoice, random: Random): void {
    const from = image.size;
    image.resize(sizeMax);
    if (choice.grown === "zeros") return;
    for (let at = from; at < sizeMax; at++) {
      const ghost = at < this.#ghosts.size ? this.#ghosts.data[at]! : 0;
      image.data[at] = choice.grown === "ghosts" ? ghost : random.below(256);
    }
  }

  /** The same file with the same page cache, as the next process finds it. */
  copy(): SimulatedFile {
    const file = new SimulatedFile();
    file.#cached = this.#cached.copy();
    file.#synced = this.#synced.copy();
    file.#pending = [...this.#pending];
    file.#ghosts = this.#ghosts.copy();
    return file;
  }
}

function writeSectors(
  image: Bytes,
  { offset, bytes }: { offset: number; bytes: Uint8Array },
  arrives: () => boolean,
): void {
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + SECTOR_SIZE - (offset + at) % SECTOR_SIZE);
    if (arrives()) image.write(bytes.subarray(at, end), offset + at);
    at = end;
  }
}
