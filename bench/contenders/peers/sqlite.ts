/**
 * What the three bindings of SQLite have in common: the table, the statements, and how it is made durable.
 *
 * @module
 */

import type { Log, Store } from "../contender.ts";

/** What all bindings offer. */
export interface Sqlite {
  exec(sql: string): unknown;
  prepare(sql: string): {
    run(...values: (string | number)[]): unknown;
    iterate(): Iterable<unknown>;
  };
  close(): void;
}

/** The one sentence of all three. */
export const DURABILITY =
  "`journal_mode = WAL` and `synchronous = FULL`: the log is synced with every transaction";

function makeDurable(database: Sqlite): void {
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
}

/** Makes the table and gives the calls. */
export function sqliteStore(database: Sqlite): Store {
  makeDurable(database);
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

/** A table of mutations by their numbers. */
export function sqliteLog(database: Sqlite): Log {
  makeDurable(database);
  database.exec("CREATE TABLE IF NOT EXISTS log (sequence INTEGER PRIMARY KEY, mutation TEXT)");
  const add = database.prepare("INSERT INTO log VALUES (?, ?)");
  return {
    append(first, texts) {
      database.exec("BEGIN");
      for (const [i, text] of texts.entries()) add.run(first + i, text);
      database.exec("COMMIT");
    },
    replay(apply) {
      const all = database.prepare("SELECT mutation FROM log ORDER BY sequence");
      for (const row of all.iterate()) apply((row as { mutation: string }).mutation);
    },
    close: () => database.close(),
  };
}
