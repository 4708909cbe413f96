/**
 * Bytes in pages that copies share until one of them writes there: a disk image costs only what differs in it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

const PAGE_SIZE = 4096;

/** A page that was never written. */
const ZEROS = new Uint8Array(PAGE_SIZE);

/** The content of a file. */
export class Bytes {
  #pages: Uint8Array[] = [];
  /** The pages that no other copy uses. */
  #own = new Set<number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  copy(): Bytes {
    const copy = new Bytes();
    copy.#pages = this.#pages.slice();
    copy.#size = this.#size;
    this.#own.clear();
    return copy;
  }

  /** Fills `buffer` starting at `offset`, as far as there are bytes; returns how many there were. */
  read(buffer: Uint8Array, offset: number): number {
    const size = Math.min(buffer.length, Math.max(0, this.#size - offset));
    for (let at = 0; at < size;) {
      const start = (offset + at) % PAGE_SIZE;
      const page = this.#pages[(offset + at - start) / PAGE_SIZE]!;
      const whole = start === 0 && size - at >= PAGE_SIZE;
      const part = whole ? page : page.subarray(start, start + size - at);
      buffer.set(part, at);
      at += part.length;
    }
    return size;
  }

  /** Writes bytes that no one changes afterwards: whole pages of them are not copied. */
  write(bytes: Uint8Array, offset: number): void {
    this.#grow(Math.max(this.#size, offset + bytes.length));
    eachPage(offset, bytes.length, (number, start, end, at) => {
      const part = bytes.subarray(at, at + end - start);
      if (part.length < PAGE_SIZE) return this.#ownPage(number).set(part, start);
      this.#pages[number] = part;
      this.#own.delete(number);
    });
  }

  /** Cuts, or grows with zeros. */
  resize(size: number): void {
    if (size >= this.#size) return this.#grow(size);
    const last = Math.floor(size / PAGE_SIZE);
    // If the file grows again after the cut, the new bytes must be zeros.
    if (size % PAGE_SIZE > 0) this.#ownPage(last).fill(0, size % PAGE_SIZE);
    this.#pages.length = Math.ceil(size / PAGE_SIZE);
    for (const number of this.#own) if (number >= this.#pages.length) this.#own.delete(number);
    this.#size = size;
  }

  /** All bytes, in a new array. */
  toArray(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#size);
    this.read(all, 0);
    return all;
  }

  /** Whether the other has the same bytes. A page that both share needs no comparison. */
  equals(other: Bytes): boolean {
    return this.#size === other.#size &&
      this.#pages.every((page, number) =>
        page === other.#pages[number] || Buffer.compare(page, other.#pages[number]!) === 0
      );
  }

  /** A number that differs for different bytes, except in one case in 2^32. */
  fingerprint(seed: number): number {
    let sum = mixed(seed, this.#size);
    for (const [number, page] of this.#pages.entries()) {
      sum = mixed(sum, this.#own.has(number) ? crc32(page) : checksumOfShared(page));
    }
    return sum;
  }

  #grow(size: number): void {
    while (this.#pages.length * PAGE_SIZE < size) this.#pages.push(ZEROS);
    this.#size = size;
  }

  #ownPage(number: number): Uint8Array {
    if (!this.#own.has(number)) {
      this.#pages[number] = this.#pages[number]!.slice();
      this.#own.add(number);
    }
    return this.#pages[number]!;
  }
}

/** Pages that copies share never change, and most images of a power cut have the same ones. */
function checksumOfShared(page: Uint8Array): number {
  let sum = checksums.get(page);
  if (sum === undefined) checksums.set(page, sum = crc32(page));
  return sum;
}

const checksums = new WeakMap<Uint8Array, number>();

/** Mixes one more number into a fingerprint (as in MurmurHash3, Austin Appleby, 2011). */
function mixed(sum: number, next: number): number {
  const scrambled = Math.imul(next, 0xcc9e2d51);
  const taken = sum ^ Math.imul(scrambled << 15 | scrambled >>> 17, 0x1b873593);
  return (Math.imul(taken << 13 | taken >>> 19, 5) + 0xe6546b64) >>> 0;
}

/** Calls `call` for each page that a range touches, with the part of the page and that part's position in the range. */
function eachPage(
  offset: number,
  size: number,
  call: (number: number, start: number, end: number, at: number) => void,
): void {
  for (let at = 0; at < size;) {
    const start = (offset + at) % PAGE_SIZE;
    const end = Math.min(PAGE_SIZE, start + size - at);
    call(Math.floor((offset + at) / PAGE_SIZE), start, end, at);
    at += end - start;
  }
}

/** The first half of some bytes: what a short call takes or returns. */
export function halfOf(buffer: Uint8Array): Uint8Array {
  return buffer.subarray(0, Math.max(1, buffer.length >> 1));
}
