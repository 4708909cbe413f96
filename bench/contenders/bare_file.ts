/**
 * The file that both floors write to: filled with line feeds and synced beforehand, then written at a position and
 * synced, with the runtime's synchronous calls.
 *
 * @module
 */

import fs from "node:fs";

/** The file is used up line by line and then from its start again, as a full segment is followed by a fresh one. */
const FILE_SIZE = 8 * 1024 * 1024;
const LINE_FEED = 0x0a;

/** A file that was filled ahead. */
export interface BareFile {
  /** Writes bytes after those of the call before, and syncs them. */
  append(bytes: Uint8Array): void;
  close(): void;
}

/** Makes the file. */
export function makeBareFile(path: string): BareFile {
  fs.writeFileSync(path, new Uint8Array(FILE_SIZE).fill(LINE_FEED), { mode: 0o600 });
  const { step, close } = "Deno" in globalThis ? openOnDeno(path) : openOnNode(path);
  let offset = 0;
  return {
    append(bytes) {
      if (offset + bytes.length > FILE_SIZE) offset = 0;
      step(bytes, offset);
      offset += bytes.length;
    },
    close,
  };
}

/** A file that is open, and the loop's one step on it. */
interface Open {
  step(bytes: Uint8Array, offset: number): void;
  close(): void;
}

function openOnNode(path: string): Open {
  const fd = fs.openSync(path, "r+");
  fs.fsyncSync(fd);
  return {
    step(bytes, offset) {
      fs.writeSync(fd, bytes, 0, bytes.length, offset);
      fs.fdatasyncSync(fd);
    },
    close: () => fs.closeSync(fd),
  };
}

function openOnDeno(path: string): Open {
  const file = Deno.openSync(path, { read: true, write: true });
  file.syncSync();
  return {
    step(bytes, offset) {
      file.seekSync(offset, Deno.SeekMode.Start);
      file.writeSync(bytes);
      file.syncDataSync();
    },
    close: () => file.close(),
  };
}
