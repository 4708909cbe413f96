/**
 * Encodes the live state at once where that takes no longer than callers may wait.
 *
 * @module
 */

import { type DurableFs, steadyNow } from "../durable_fs.ts";
import { encodeState } from "../format/snapshot_encode.ts";

/** How long callers may wait for it, in milliseconds. */
const WAIT_MS = 5;

/** An encoding that takes this much longer than expected is given up. */
const OVERRUN = 1.5;

/** How much is encoded before the clock is checked again. A smaller state is never given up, and teaches nothing. */
const LOOK_SIZE = 16 * 1024;

/**
 * How much slower than before a machine is believed to be after one slower encoding. Other programs and garbage
 * collections can only make an encoding slower, and then it says little about the next one.
 */
const SLOWER_MAX = 1.25;

/** What to expect before anything was encoded: right for a slow board. */
const BYTES_PER_MS = 50 * 1024;

/** A speed that no machine reaches. */
const BYTES_PER_MS_MAX = 5 * 1024 * 1024;

/** Encodes a live state, and learns how fast that is on this machine. */
export class LiveEncoding {
  readonly #fs: DurableFs;
  #msPerByte = 1 / BYTES_PER_MS;

  constructor(fs: DurableFs) {
    this.#fs = fs;
  }

  /**
   * Encodes a state.
   *
   * @param sizeExpected how long its lines are, if that is known; 0 otherwise
   * @returns its lines, or `null` when they take too long
   * @throws {InvalidStateError} when the state is not JSON
   */
  encode(state: unknown, sizeExpected: number): string[] | null {
    // Don't even begin: listing a million keys takes half a second.
    if (sizeExpected > LOOK_SIZE && sizeExpected * this.#msPerByte > WAIT_MS) return null;
    const begun = steadyNow(this.#fs);
    const lines: string[] = [];
    let size = 0;
    let lookAt = LOOK_SIZE;
    for (const line of encodeState(state)) {
      lines.push(line);
      size += line.length;
      for (; size >= lookAt; lookAt += LOOK_SIZE) {
        const ms = steadyNow(this.#fs) - begun;
        if (ms <= WAIT_MS * OVERRUN) continue;
        this.note(size, ms);
        return null;
      }
    }
    this.note(size, steadyNow(this.#fs) - begun);
    return lines;
  }

  /** Learns from an encoding of this size. */
  note(size: number, ms: number): void {
    if (size < LOOK_SIZE) return;
    const msPerByte = Math.min(ms / size, this.#msPerByte * SLOWER_MAX);
    // A coarse clock may have measured nothing.
    this.#msPerByte = Math.max(msPerByte, 1 / BYTES_PER_MS_MAX);
  }
}
