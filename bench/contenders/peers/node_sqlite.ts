/**
 * SQLite as built into Node; Deno and Bun have it too.
 *
 * @module
 */

import { type Contender, RUNTIMES } from "../contender.ts";
import { DURABILITY, type Sqlite, sqliteLog, sqliteStore } from "./sqlite.ts";

/** `node:sqlite`. */
export const contender: Contender = {
  name: "node:sqlite",
  runtimes: RUNTIMES,
  durable: true,
  durability: DURABILITY,
  sharesSyncs: false,
  batchesByHand: true,
  open: async (directory) => sqliteStore(await openDatabase(directory)),
  openLog: async (directory) => sqliteLog(await openDatabase(directory)),
};

async function openDatabase(directory: string): Promise<Sqlite> {
  const { DatabaseSync } = await import("node:sqlite");
  return new DatabaseSync(`${directory}/sqlite.db`);
}
