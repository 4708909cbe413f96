/**
 * NeDB, which appends documents to a file that it reads into memory.
 *
 * @module
 */

import { type Contender, RUNTIMES } from "../contender.ts";
import type { Reading } from "../../support/workload.ts";
import { load } from "./load.ts";

interface Datastore {
  loadDatabaseAsync(): Promise<void>;
  updateAsync(query: object, document: object, options: { upsert: boolean }): Promise<unknown>;
  compactDatafileAsync(): Promise<void>;
}

/** `@seald-io/nedb`. */
export const contender: Contender = {
  name: "@seald-io/nedb",
  runtimes: RUNTIMES,
  durable: true,
  durability: "rewrites its file after every commit: appending to it, it never syncs",
  sharesSyncs: false,
  batchesByHand: true,
  async open(directory) {
    const Datastore = load<new (options: { filename: string }) => Datastore>("@seald-io/nedb");
    const database = new Datastore({ filename: `${directory}/nedb` });
    await database.loadDatabaseAsync();
    const put = (reading: Reading) =>
      database.updateAsync(
        { _id: reading.key },
        { _id: reading.key, ...reading },
        { upsert: true },
      );
    return {
      async commit(reading) {
        await put(reading);
        await database.compactDatafileAsync();
      },
      async commitMany(readings) {
        for (const reading of readings) await put(reading);
        await database.compactDatafileAsync();
      },
      close() {},
    };
  },
};
