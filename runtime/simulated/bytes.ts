/**
 * Bytes that grow as they are written, and whose copies cost nothing until one of them changes.
 *
 * @module
 */

const SIZE_LEAST = 1024;

/** The content of a file. */
export class Bytes {
  #data: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #size = 0;
  /** Whether another copy looks at the same array. */
  #shared = false;

  get size(): number {
    return this.#size;
  }

  /** The bytes themselves: not to be changed, and not to be kept. */
  get view(): Uint8Array<ArrayBuffer> {
    return this.#data.subarray(0, this.#size);
  }

  copy(): Bytes {
    const copy = new Bytes();
    copy.#data = this.#data;
    copy.#size = this.#size;
    this.#shared = true;
    copy.#shared = true;
    return copy;
  }

  write(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.length;
    this.#own(end);
    this.#data.set(bytes, offset);
    this.#size = Math.max(this.#size, end);
  }

  /** Cuts, or grows with zeros. */
  resize(size: number): void {
    this.#own(size);
    if (size < this.#size) this.#data.fill(0, size, this.#size);
    this.#size = size;
  }

  /** Makes sure that the array is large enough and nobody else's. Beyond `#size` it holds zeros. */
  #own(size: number): void {
    if (size <= this.#data.length && !this.#shared) return;
    const capacity = size <= this.#data.length
      ? this.#data.length
      : Math.max(size, this.#data.length * 2, SIZE_LEAST);
    const own = new Uint8Array(capacity);
    own.set(this.view);
    this.#data = own;
    this.#shared = false;
  }
}
