// SQLite as careful users set it up, through Bun: the control that must survive everything.

import type { Store } from "./controls.ts";
import { applyEntry, type Entry, ledger } from "./model.ts";

/** Opens a database with one table, in which every mutation is a transaction. */
export async function openDatabase(directory: string): Promise<Store> {
  // Loaded when it is wanted: no other runtime has it.
  const { Database } = await import("bun:sqlite");
  const database = new Database(`${directory}/state.db`, { create: true });
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = FULL");
  database.run(
    "CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, entry TEXT NOT NULL)",
  );
  const { integrity_check: verdict } = database.query("PRAGMA integrity_check").get() as {
    integrity_check: string;
  };
  if (verdict !== "ok") throw new Error(`integrity_check says ${verdict}`);
  const state = ledger.initial();
  const rows = database.query("SELECT entry FROM entries ORDER BY number").all();
  for (const { entry } of rows as { entry: string }[]) applyEntry(state, JSON.parse(entry));
  const insert = database.prepare("INSERT INTO entries VALUES (?, ?)");
  return {
    state,
    apply(next: Entry) {
      insert.run(next.number, JSON.stringify(next));
      applyEntry(state, next);
    },
    close: () => database.close(),
  };
}
