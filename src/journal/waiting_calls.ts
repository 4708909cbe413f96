/**
 * Counts the calls that wait for their batch, and refuses further ones when there are too many.
 *
 * @module
 */

import { BusyError } from "../errors.ts";
import type { WaitingMax } from "../options.ts";

/** The calls that are queued, or whose batch is being written. */
export class WaitingCalls {
  readonly #max: WaitingMax;
  calls = 0;
  bytes = 0;

  constructor(max: WaitingMax) {
    this.#max = max;
  }

  /**
   * Counts one more call. A call is always accepted when no other waits.
   *
   * @throws {BusyError} when there would be too many
   */
  add(size: number): void {
    const calls = this.calls + 1, bytes = this.bytes + size;
    const { calls: callsMax, bytes: bytesMax } = this.#max;
    if (calls > 1 && (calls > callsMax || bytes > bytesMax)) {
      throw new BusyError(
        `${this.calls} calls with ${this.bytes} bytes wait for the disk, and waitingMax is ${callsMax} calls and ` +
          `${bytesMax} bytes: nothing of this call was journaled: try again when others have been answered`,
        { operation: "apply" },
      );
    }
    this.calls = calls;
    this.bytes = bytes;
  }

  /** No longer counts a call. */
  remove(size: number): void {
    this.calls--;
    this.bytes -= size;
  }
}
