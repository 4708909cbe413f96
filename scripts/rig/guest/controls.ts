// Known writers of the field, for control: five that lose data on a power cut, each in its own way, and SQLite,
// which doesn't. A rig that can't distinguish them proves nothing. The fifth, which syncs no directory, loses nothing on
// ext4 and f2fs: only the check of the system calls catches it.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { appendLine, cutFile, replaceFile, syncedFile, syncFolder } from "./control_files.ts";
import { applyEntry, differs, type Entry, entry, type Ledger, ledger } from "./model.ts";
import { say } from "./said.ts";
import { openDatabase } from "./sqlite.ts";
import { findIn, type Subject } from "./subject.ts";

/** A store as simple as those that programs write for themselves. */
export interface Store {
  readonly state: Ledger;
  /** Returns when it holds the mutation for durable. */
  apply(entry: Entry): void;
  close(): void;
}

/** Makes a subject of a store: writes in order, and checks as the library's own are checked. */
function subject(open: (directory: string) => Store | Promise<Store>): Subject {
  return {
    async write(folder) {
      const directory = `${folder}/state`;
      mkdirSync(directory, { recursive: true });
      say("open", directory);
      const store = await open(directory);
      for (;;) {
        const number = store.state.count + 1;
        say("send", directory, number);
        store.apply(longEntry(number));
        say("ack", directory, number);
      }
    },
    check: (directory) =>
      findIn(directory, async (found) => {
        const { count, problem } = await look(open, directory);
        found.sequence = count;
        found.outcome = problem ?? "opened";
        if (problem !== null) throw new Error(problem);
        const store = await open(directory);
        try {
          for (let i = 1; i <= 3; i++) store.apply(longEntry(count + i));
        } finally {
          // The checker continues with the next card, and an open file would hold this one.
          store.close();
        }
        const again = await look(open, directory);
        if (again.count !== count + 3) throw new Error(`${again.count} later, not ${count + 3}`);
        if (again.problem !== null) throw new Error(again.problem);
      }),
  };
}

/** Longer than a block, so that the file grows by whole blocks while the file system commits something else. */
function longEntry(number: number): Entry {
  return { ...entry(number), pad: ".".repeat(6000) };
}

async function look(open: (directory: string) => Store | Promise<Store>, directory: string) {
  const store = await open(directory);
  try {
    const { count } = store.state;
    return { count, problem: differs(store.state, count) };
  } finally {
    store.close();
  }
}

/** A log that cuts its torn tail, and would be correct if it synced the directory after each file that it begins. */
function unnamedLogStore(directory: string): Store {
  const state = ledger.initial();
  let part = 0;
  for (; existsSync(partOf(directory, part)); part++) replay(partOf(directory, part), state);
  let file = syncedFile(partOf(directory, part));
  return {
    state,
    apply(next) {
      if (next.number % PART_EVERY === 0) {
        file.close();
        file = syncedFile(partOf(directory, ++part));
      }
      appendLine(file, next, true);
      applyEntry(state, next);
    },
    close: () => file.close(),
  };
}

/** How many mutations one file of such a log holds at most. */
const PART_EVERY = 50;

function partOf(directory: string, part: number): string {
  return `${directory}/log-${part}.jsonl`;
}

/** Takes the whole lines of a file into the state, and cuts off what follows the last of them. */
function replay(path: string, state: Ledger): void {
  const bytes = readFileSync(path);
  let end = 0;
  for (let next = bytes.indexOf("\n"); next >= 0; next = bytes.indexOf("\n", end)) {
    const entry = parse(bytes.toString("utf8", end, next), true);
    if (entry === null) break;
    applyEntry(state, entry);
    end = next + 1;
  }
  if (end < bytes.length) cutFile(path, end);
}

/** A log of JSON lines. */
function logStore(options: { synced: boolean; skipsTorn: boolean }) {
  return (directory: string): Store => {
    const path = `${directory}/log.jsonl`;
    const state = ledger.initial();
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    for (const line of text.split("\n").filter((line) => line !== "")) {
      const next = parse(line, options.skipsTorn);
      if (next !== null) applyEntry(state, next);
    }
    const file = syncedFile(path);
    return {
      state,
      apply(next) {
        appendLine(file, next, options.synced);
        applyEntry(state, next);
      },
      close: () => file.close(),
    };
  };
}

function parse(line: string, skipsTorn: boolean): Entry | null {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (skipsTorn) return null;
    throw error;
  }
}

/**
 * The whole state in one file, replaced by a rename: with nothing synced, or with the file synced before the rename and
 * the directory after it, which is right everywhere but on FAT.
 */
function renamingStore({ synced }: { synced: boolean }) {
  return (directory: string): Store => {
    const path = `${directory}/state.json`;
    const state: Ledger = existsSync(path)
      ? JSON.parse(readFileSync(path, "utf8"))
      : ledger.initial();
    return {
      state,
      apply(next) {
        applyEntry(state, next);
        replaceFile(path, JSON.stringify(state), { synced });
        if (synced) syncFolder(directory);
      },
      close() {},
    };
  };
}

const SNAPSHOT_EVERY = 10;

/** The scheme of the Rust crates: a log that refuses a torn line, and a snapshot in two files renamed in turn. */
function rustStore(directory: string): Store {
  const [snapshot, upTo] = [`${directory}/snapshot.json`, `${directory}/snapshot.seq`];
  const journal = `${directory}/journal.jsonl`;
  const state: Ledger = existsSync(snapshot)
    ? JSON.parse(readFileSync(snapshot, "utf8"))
    : ledger.initial();
  const from = existsSync(upTo) ? Number(readFileSync(upTo, "utf8")) : 0;
  const text = existsSync(journal) ? readFileSync(journal, "utf8") : "";
  const entries: Entry[] = text.split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  for (const next of entries.filter(({ number }) => number > from)) applyEntry(state, next);
  const file = syncedFile(journal);
  return {
    state,
    apply(next) {
      appendLine(file, next, true);
      applyEntry(state, next);
      if (state.count % SNAPSHOT_EVERY !== 0) return;
      replaceFile(snapshot, JSON.stringify(state), { synced: true });
      replaceFile(upTo, `${state.count}`, { synced: true });
    },
    close: () => file.close(),
  };
}

/** By name. `sqlite` must pass, the others must not. */
export const CONTROLS: Record<string, Subject> = {
  "no-sync": subject(logStore({ synced: false, skipsTorn: true })),
  "rename-without-sync": subject(renamingStore({ synced: false })),
  "rename-synced-once": subject(renamingStore({ synced: true })),
  "torn-tail-skipped": subject(logStore({ synced: true, skipsTorn: true })),
  "rust-scheme": subject(rustStore),
  "no-directory-sync": subject(unnamedLogStore),
  "sqlite": subject(openDatabase),
};
