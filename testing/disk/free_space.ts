/**
 * The free space of the simulated disk: what uses it and what frees it.
 *
 * @module
 */

import { failure } from "./disk_calls.ts";
import type { SimulatedFile } from "./file.ts";

/** The block size, in bytes. A copy-on-write file system rewrites a block when a file is cut in the middle of it. */
const BLOCK_SIZE = 4096;

/** Counts the free space. */
export class FreeSpace {
  /** How many bytes files can still grow by. */
  left = Infinity;
  /** Whether overwriting takes space too, as on btrfs. The old place is free again after the next sync. */
  copyOnWrite = false;
  readonly #borrowed = new Map<SimulatedFile, number>();

  /**
   * Takes the space that a write needs.
   *
   * @returns as many of the bytes as there is space for
   */
  take(file: SimulatedFile, bytes: Uint8Array, offset: number, path: string): Uint8Array {
    const growth = Math.max(0, offset + bytes.length - file.size);
    const overwritten = this.copyOnWrite ? bytes.length - growth : 0;
    const needed = growth + overwritten;
    const missing = Math.max(0, needed - this.left);
    if (missing >= bytes.length) throw failure("ENOSPC", "write", path);
    this.left -= needed - missing;
    this.#borrow(file, Math.min(overwritten, needed - missing));
    return missing === 0 ? bytes : bytes.subarray(0, bytes.length - missing);
  }

  #borrow(file: SimulatedFile, size: number): void {
    if (size > 0) this.#borrowed.set(file, (this.#borrowed.get(file) ?? 0) + size);
  }

  /** Frees what cutting a file to `size` frees, which may take a block first. */
  cut(file: SimulatedFile, size: number, path: string): void {
    if (this.copyOnWrite && size % BLOCK_SIZE > 0 && this.left < BLOCK_SIZE) {
      throw failure("ENOSPC", "truncate", path);
    }
    this.left += Math.max(0, file.size - size);
  }

  /** Frees the old places of what a sync has made durable. */
  synced(file: SimulatedFile): void {
    this.left += this.#borrowed.get(file) ?? 0;
    this.#borrowed.delete(file);
  }

  /** Frees a whole file. */
  remove(file: SimulatedFile): void {
    this.synced(file);
    this.left += file.size;
  }
}
