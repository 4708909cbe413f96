/**
 * The bare loop that commits are compared with: write lines that were encoded beforehand, sync, again.
 *
 * @module
 */

import { detectFs } from "../../runtime/detect.ts";
import { BatchEncoder } from "../../src/format/encode.ts";
import { makeBareFile } from "./bare_file.ts";
import { type Contender, RUNTIMES } from "./contender.ts";
import { FEW_KEYS, readingAt } from "../support/workload.ts";

/** The contender that no other can be much faster than. */
export const contender: Contender = {
  name: "floor",
  runtimes: RUNTIMES,
  durable: true,
  durability:
    "a positioned write and `fdatasync`, both synchronous, in a file that was filled ahead",
  sharesSyncs: false,
  batchesByHand: true,
  async open(directory) {
    const { crc32 } = await detectFs();
    const encoder = new BatchEncoder(crc32);
    // As many bytes as ministate writes, once its journal has been written for a while.
    const block = (count: number) => {
      const texts = Array.from(
        { length: count },
        (_, i) => JSON.stringify(readingAt(123_456 + i, FEW_KEYS)),
      );
      return encoder.encode(texts, 12_345, Date.now(), 0).slice();
    };
    const file = makeBareFile(`${directory}/floor`);
    const blocks = new Map<number, Uint8Array>();
    const commit = (count: number) => {
      let bytes = blocks.get(count);
      if (bytes === undefined) blocks.set(count, bytes = block(count));
      file.append(bytes);
    };
    return {
      commit: () => commit(1),
      commitMany: (readings) => commit(readings.length),
      close: file.close,
    };
  },
};
