/**
 * LMDB, which copies pages instead of keeping a log.
 *
 * @module
 */

import { type Contender, RUNTIMES } from "../contender.ts";
import type { Reading } from "../workload.ts";
import { load } from "./load.ts";

interface Lmdb {
  open(options: { path: string; overlappingSync: boolean }): Database;
}

interface Database {
  put(key: string, value: Reading): Promise<boolean>;
  transactionSync(run: () => void): void;
  close(): Promise<void>;
}

/** `lmdb`. */
export const contender: Contender = {
  name: "lmdb",
  runtimes: RUNTIMES,
  durable: true,
  durability: "without `overlappingSync`, so that `put` resolves after the sync of its transaction",
  sharesSyncs: true,
  batchesByHand: true,
  open(directory) {
    const database = load<Lmdb>("lmdb").open({
      path: `${directory}/lmdb`,
      overlappingSync: false,
    });
    return {
      commit: (reading) => database.put(reading.key, reading),
      commitMany: (readings) =>
        database.transactionSync(() => {
          for (const reading of readings) database.put(reading.key, reading);
        }),
      close: () => database.close(),
    };
  },
};
