// What happened to a disk, in order: every write and flush, and what the program had acknowledged between them.
//
// The disk answers reads from all that was written, as a card with a volatile cache does; what a power cut leaves of
// it is worked out afterwards, from the log (crash_images.ts).

import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import type { BlockDevice } from "./nbd_server.ts";

/** One thing that happened. */
export type LogEntry =
  /** `forced`: on the disk for good once it was answered. */
  | { at: "write"; offset: number; bytes: Uint8Array; forced: boolean }
  | { at: "flush" }
  /** A line that the program in the guest said: what it held for durable, or was about to do. */
  | { at: "said"; text: string };

/** A disk in memory that keeps a log. */
export class LoggedDisk implements BlockDevice {
  /** The disk before the first entry. */
  readonly before: Uint8Array;
  readonly #now: Uint8Array;
  readonly log: LogEntry[] = [];

  constructor(image: Uint8Array) {
    // Copies by constructor: what `slice` of a Node Buffer gives shares its memory.
    this.before = new Uint8Array(image);
    this.#now = new Uint8Array(image);
  }

  get size(): number {
    return this.before.length;
  }

  read(offset: number, size: number): Uint8Array {
    // Copied: what is sent must be what is there now, and the socket may send it later.
    return this.#now.slice(offset, offset + size);
  }

  write(offset: number, bytes: Uint8Array, forced: boolean): void {
    const copy = new Uint8Array(bytes);
    this.#now.set(copy, offset);
    this.log.push({ at: "write", offset, bytes: copy, forced });
  }

  flush(): void {
    this.log.push({ at: "flush" });
  }

  /** Notes what the program said. */
  hear(text: string): void {
    this.log.push({ at: "said", text });
  }
}

/** Everything that is needed to look at a cut again. */
export interface SavedLog {
  before: Uint8Array;
  log: LogEntry[];
}

/** Writes a log to a file: one line of JSON for each entry, the bytes of writes in a second file. */
export function saveLog(path: string, { before, log }: SavedLog): void {
  const bytes: Uint8Array[] = [before];
  const lines = log.map((entry) => {
    if (entry.at !== "write") return JSON.stringify(entry);
    bytes.push(entry.bytes);
    return JSON.stringify({ ...entry, bytes: entry.bytes.length });
  });
  writeFileSync(`${path}.jsonl`, [before.length, ...lines].join("\n") + "\n");
  writeFileSync(`${path}.bytes.gz`, gzipSync(Buffer.concat(bytes), { level: 1 }));
}

/** Reads what {@linkcode saveLog} wrote. */
export function loadLog(path: string): SavedLog {
  const [size, ...entries] = readFileSync(`${path}.jsonl`, "utf8").trimEnd().split("\n")
    .map((line) => JSON.parse(line));
  const bytes = gunzipSync(readFileSync(`${path}.bytes.gz`));
  let at = size as number;
  const log = entries.map((entry): LogEntry => {
    if (entry.at !== "write") return entry;
    const from = at;
    at += entry.bytes;
    return { ...entry, bytes: bytes.subarray(from, at) };
  });
  return { before: new Uint8Array(bytes.subarray(0, size)), log };
}
