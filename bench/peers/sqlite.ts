/**
 * What the three bindings of SQLite have in common: the table, the statements, and how it is made durable.
 *
 * @module
 */

import type { Store } from "../contender.ts";

/** What all bindings offer. */
export interface Sqlite {
  exec(sql: string): unknown;
  prepare(sql: string): { run(...values: string[]): unknown };
  close(): void;
}

/** The one sentence of all three. */
export const DURABILITY =
  "`journal_mode = WAL` and `synchronous = FULL`: the log is synced with every transaction";

/** Makes the table and gives the calls. */
export function sqliteStore(database: Sqlite): Store {
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  // Without row ids there is one tree to write to, not two.
  database.exec(
    "CREATE TABLE IF NOT EXISTS readings (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID",
  );
  const put = database.prepare(
    "INSERT INTO readings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  const begin = database.prepare("BEGIN");
  const commit = database.prepare("COMMIT");
  return {
    commit(reading) {
      put.run(reading.key, JSON.stringify(reading));
    },
    commitMany(readings) {
      begin.run();
      for (const reading of readings) put.run(reading.key, JSON.stringify(reading));
      commit.run();
    },
    close: () => database.close(),
  };
}
