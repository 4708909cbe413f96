/**
 * The state as one JSON file that is replaced as a whole, with `write-file-atomic`.
 *
 * @module
 */

import fs from "node:fs";
import { type Contender, RUNTIMES } from "../contender.ts";
import type { Readings } from "../../support/workload.ts";
import { load } from "./load.ts";

interface WriteFileAtomic {
  sync(path: string, text: string): void;
}

/** `write-file-atomic`. */
export const contender: Contender = {
  name: "write-file-atomic",
  runtimes: RUNTIMES,
  durable: true,
  durability:
    "it syncs the new file before the rename; we sync the directory after it, which it doesn't",
  sharesSyncs: false,
  batchesByHand: true,
  open(directory) {
    const writeFileAtomic = load<WriteFileAtomic>("write-file-atomic");
    const path = `${directory}/state.json`;
    const state: Readings = fs.existsSync(path) ? JSON.parse(fs.readFileSync(path, "utf8")) : {};
    const folder = fs.openSync(directory, "r");
    const rewrite = () => {
      writeFileAtomic.sync(path, JSON.stringify(state));
      fs.fsyncSync(folder);
    };
    return {
      commit(reading) {
        state[reading.key] = reading;
        rewrite();
      },
      commitMany(readings) {
        for (const reading of readings) state[reading.key] = reading;
        rewrite();
      },
      close: () => fs.closeSync(folder),
    };
  },
};
