// The line to the rig: a serial port whose writes return only when the machine outside has them, so that what was said
// stands in the right order among the writes and flushes of the disk.

import { openSync, readSync, writeSync } from "node:fs";
import process from "node:process";

/** Where there is no board, a plain file stands in: the check of the system calls finds the acknowledgements there. */
const PORT = process.env.RIG_SAID ?? "/dev/rig-said";

let port: number | null = null;
let heard = "";

/** Opens the line. */
export function openLine(): void {
  port = openSync(PORT, "r+");
}

/** Says one line. Elsewhere than on a board there is no port, and nothing is said. */
export function say(...words: (string | number)[]): void {
  if (port !== null) writeSync(port, words.join(" ") + "\n");
}

/** Waits for one line. */
export function hear(): string {
  const buffer = new Uint8Array(4096);
  while (!heard.includes("\n")) {
    const count = readSync(port!, buffer, 0, buffer.length, null);
    heard += new TextDecoder().decode(buffer.subarray(0, count));
  }
  const end = heard.indexOf("\n");
  const line = heard.slice(0, end);
  heard = heard.slice(end + 1);
  return line;
}
