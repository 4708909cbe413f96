/**
 * lowdb, which rewrites its whole state every time.
 *
 * @module
 */

import { type Contender, RUNTIMES } from "../contender.ts";
import type { Readings } from "../../support/workload.ts";
import { load } from "./load.ts";

interface Lowdb {
  JSONFilePreset(path: string, initial: Readings): Promise<Low>;
}

interface Low {
  data: Readings;
  write(): Promise<void>;
}

/** `lowdb`. */
export const contender: Contender = {
  name: "lowdb",
  runtimes: RUNTIMES,
  durable: false,
  durability: "cannot be made durable: it renames a file that it never synced",
  sharesSyncs: true,
  batchesByHand: true,
  async open(directory) {
    const { JSONFilePreset } = load<Lowdb>("lowdb/node");
    const low = await JSONFilePreset(`${directory}/lowdb.json`, {});
    return {
      commit(reading) {
        low.data[reading.key] = reading;
        return low.write();
      },
      commitMany(readings) {
        for (const reading of readings) low.data[reading.key] = reading;
        return low.write();
      },
      close() {},
    };
  },
};
