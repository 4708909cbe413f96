// Plain file access for the controls, with and without the syncs that it takes.

import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  renameSync,
  truncateSync,
  writeSync,
} from "node:fs";

/** A file that is appended to. */
export interface Appended {
  descriptor: number;
  close(): void;
}

/** Opens a file for appending. */
export function syncedFile(path: string): Appended {
  const descriptor = openSync(path, "a");
  return { descriptor, close: () => closeSync(descriptor) };
}

/** Appends a line of JSON. */
export function appendLine({ descriptor }: Appended, value: unknown, synced: boolean): void {
  writeAll(descriptor, JSON.stringify(value) + "\n");
  if (synced) fdatasyncSync(descriptor);
}

/** Writes a file aside and renames it over the old one. */
export function replaceFile(path: string, text: string, { synced }: { synced: boolean }): void {
  const descriptor = openSync(`${path}.tmp`, "w");
  writeAll(descriptor, text);
  if (synced) fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(`${path}.tmp`, path);
}

/** Syncs a directory. */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

/** Cuts a file to `size` bytes, durably. */
export function cutFile(path: string, size: number): void {
  truncateSync(path, size);
  const descriptor = openSync(path, "r+");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function writeAll(descriptor: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes.subarray(done));
}
