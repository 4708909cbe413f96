/**
 * SQLite as built into Bun.
 *
 * @module
 */

import type { Contender } from "../contender.ts";
import { DURABILITY, type Sqlite, sqliteLog, sqliteStore } from "./sqlite.ts";

/** Not written into the `import`, because only Bun has types for it. */
const MODULE: string = "bun:sqlite";

/** `bun:sqlite`. */
export const contender: Contender = {
  name: "bun:sqlite",
  runtimes: ["bun"],
  durable: true,
  durability: DURABILITY,
  sharesSyncs: false,
  batchesByHand: true,
  open: async (directory) => sqliteStore(await openDatabase(directory)),
  openLog: async (directory) => sqliteLog(await openDatabase(directory)),
};

async function openDatabase(directory: string): Promise<Sqlite> {
  const { Database }: { Database: new (path: string) => Sqlite } = await import(MODULE);
  return new Database(`${directory}/sqlite.db`);
}
