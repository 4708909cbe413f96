// SQLite as careful users set it up, through Bun: the control that must survive everything.

import type { Database } from "bun:sqlite";
import type { Store } from "./controls.ts";
import { applyEntry, type Entry, ledger } from "./model.ts";

/** Opens a database with one table, in which every mutation is a transaction. */
export async function openDatabase(directory: string): Promise<Store> {
  // Loaded on demand: no other runtime has it.
  const { Database } = await import("bun:sqlite");
  const database = new Database(`${directory}/state.db`, { create: true });
  try {
    return storeIn(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

function storeIn(database: Database): Store {
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = FULL");
  database.run(
    "CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, entry TEXT NOT NULL)",
  );
  const verdicts = allOf<{ integrity_check: string }>(database, "PRAGMA integrity_check");
  const verdict = verdicts.map(({ integrity_check }) => integrity_check).join();
  if (verdict !== "ok") throw new Error(`integrity_check says ${verdict}`);
  const state = ledger.initial();
  const rows = allOf<{ entry: string }>(database, "SELECT entry FROM entries ORDER BY number");
  for (const { entry } of rows) applyEntry(state, JSON.parse(entry));
  const insert = database.prepare("INSERT INTO entries VALUES (?, ?)");
  return {
    state,
    apply(next: Entry) {
      insert.run(next.number, JSON.stringify(next));
      applyEntry(state, next);
    },
    close() {
      insert.finalize();
      database.close();
    },
  };
}

/** A statement that is not finalized keeps the files open, whatever `close` says. */
function allOf<Row>(database: Database, sql: string): Row[] {
  const statement = database.prepare(sql);
  try {
    return statement.all() as Row[];
  } finally {
    statement.finalize();
  }
}
