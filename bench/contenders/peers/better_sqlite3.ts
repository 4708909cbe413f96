/**
 * SQLite through the package that existed before the runtimes had their own.
 *
 * @module
 */

import { type Contender, RUNTIMES } from "../contender.ts";
import { load } from "./load.ts";
import { DURABILITY, type Sqlite, sqliteLog, sqliteStore } from "./sqlite.ts";

/** `better-sqlite3`. */
export const contender: Contender = {
  name: "better-sqlite3",
  runtimes: RUNTIMES,
  durable: true,
  durability: DURABILITY,
  sharesSyncs: false,
  batchesByHand: true,
  open: (directory) => sqliteStore(openDatabase(directory)),
  openLog: (directory) => sqliteLog(openDatabase(directory)),
};

function openDatabase(directory: string): Sqlite {
  const Database = load<new (path: string) => Sqlite>("better-sqlite3");
  return new Database(`${directory}/sqlite.db`);
}
