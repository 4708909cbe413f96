/**
 * The bare loop that commits are compared with: write lines at a position, `fdatasync`, again, with the runtime's
 * synchronous calls, on a file that was filled with line feeds and synced beforehand.
 *
 * @module
 */

import fs from "node:fs";
import { detectFs } from "../../runtime/detect.ts";
import { BatchEncoder } from "../../src/format/encode.ts";
import { type Contender, RUNTIMES } from "./contender.ts";
import { COMMIT_KEY_COUNT, readingAt } from "../support/workload.ts";

/** The file is used up line by line and then from its start again, as a full segment is followed by a fresh one. */
const FILE_SIZE = 8 * 1024 * 1024;
const LINE_FEED = 0x0a;

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
        (_, i) => JSON.stringify(readingAt(123_456 + i, COMMIT_KEY_COUNT)),
      );
      return encoder.encode(texts, 12_345, Date.now(), 0).slice();
    };
    const path = `${directory}/floor`;
    fs.writeFileSync(path, new Uint8Array(FILE_SIZE).fill(LINE_FEED), { mode: 0o600 });
    const { step, close } = "Deno" in globalThis ? openOnDeno(path) : openOnNode(path);
    const blocks = new Map<number, Uint8Array>();
    let offset = 0;
    const commit = (count: number) => {
      let bytes = blocks.get(count);
      if (bytes === undefined) blocks.set(count, bytes = block(count));
      if (offset + bytes.length > FILE_SIZE) offset = 0;
      step(bytes, offset);
      offset += bytes.length;
    };
    return {
      commit: () => commit(1),
      commitMany: (readings) => commit(readings.length),
      close,
    };
  },
};

/** A file that is open, and the loop's one step on it. */
interface Bare {
  step(bytes: Uint8Array, offset: number): void;
  close(): void;
}

function openOnNode(path: string): Bare {
  const fd = fs.openSync(path, "r+");
  fs.fsyncSync(fd);
  return {
    step(bytes, offset) {
      fs.writeSync(fd, bytes, 0, bytes.length, offset);
      fs.fdatasyncSync(fd);
    },
    close: () => fs.closeSync(fd),
  };
}

function openOnDeno(path: string): Bare {
  const file = Deno.openSync(path, { read: true, write: true });
  file.syncSync();
  return {
    step(bytes, offset) {
      file.seekSync(offset, Deno.SeekMode.Start);
      file.writeSync(bytes);
      file.syncDataSync();
    },
    close: () => file.close(),
  };
}
