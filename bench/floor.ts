/**
 * The bare loop that commits are compared with: write one line at a position, `fdatasync`, again, with the
 * runtime's synchronous calls, on a file that was filled with line feeds and synced beforehand.
 *
 * @module
 */

import fs from "node:fs";

/** The file is used up line by line and then from its start again, as a full segment is followed by a fresh one. */
const FILE_SIZE = 8 * 1024 * 1024;
const LINE_FEED = 0x0a;

/** Makes the file and returns the loop's one step: the line at the next position, durable when it returns. */
export function makeFloor(path: string, line: Uint8Array): () => void {
  fs.writeFileSync(path, new Uint8Array(FILE_SIZE).fill(LINE_FEED), { mode: 0o600 });
  const step = "Deno" in globalThis ? stepOnDeno(path) : stepOnNode(path);
  let offset = 0;
  return () => {
    step(line, offset);
    offset += line.length;
    if (offset + line.length > FILE_SIZE) offset = 0;
  };
}

type Step = (line: Uint8Array, offset: number) => void;

function stepOnNode(path: string): Step {
  const fd = fs.openSync(path, "r+");
  fs.fsyncSync(fd);
  return (line, offset) => {
    fs.writeSync(fd, line, 0, line.length, offset);
    fs.fdatasyncSync(fd);
  };
}

function stepOnDeno(path: string): Step {
  const file = Deno.openSync(path, { read: true, write: true });
  file.syncSync();
  return (line, offset) => {
    file.seekSync(offset, Deno.SeekMode.Start);
    file.writeSync(line);
    file.syncDataSync();
  };
}
