/**
 * LMDB, which copies pages instead of keeping a log.
 *
 * @module
 */

import { type Contender, RUNTIMES } from "../contender.ts";
import type { Reading } from "../../support/workload.ts";
import { load } from "./load.ts";

interface Lmdb {
  open(options: { path: string; overlappingSync: boolean }): Database;
}

interface Database {
  put(key: string | number, value: Reading | string): Promise<boolean>;
  getRange(): Iterable<{ value: unknown }>;
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
    const database = openDatabase(directory);
    return {
      commit: (reading) => database.put(reading.key, reading),
      commitMany: (readings) =>
        database.transactionSync(() => {
          for (const reading of readings) database.put(reading.key, reading);
        }),
      close: () => database.close(),
    };
  },
  openLog(directory) {
    const database = openDatabase(directory);
    return {
      append: (first, texts) =>
        database.transactionSync(() => {
          for (const [i, text] of texts.entries()) database.put(first + i, text);
        }),
      replay(apply) {
        for (const { value } of database.getRange()) apply(value as string);
      },
      close: () => database.close(),
    };
  },
};

function openDatabase(directory: string): Database {
  return load<Lmdb>("lmdb").open({ path: `${directory}/lmdb`, overlappingSync: false });
}
