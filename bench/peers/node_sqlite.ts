/**
 * SQLite as Node brings it, which Deno and Bun have too.
 *
 * @module
 */

import { type Contender, RUNTIMES } from "../contender.ts";
import { DURABILITY, sqliteStore } from "./sqlite.ts";

/** `node:sqlite`. */
export const contender: Contender = {
  name: "node:sqlite",
  runtimes: RUNTIMES,
  durable: true,
  durability: DURABILITY,
  sharesSyncs: false,
  batchesByHand: true,
  async open(directory) {
    const { DatabaseSync } = await import("node:sqlite");
    return sqliteStore(new DatabaseSync(`${directory}/sqlite.db`));
  },
};
