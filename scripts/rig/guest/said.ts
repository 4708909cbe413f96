// The line to the rig: on a board a serial port whose writes return only when the machine outside has them, so that
// what was said is in the right order among the writes and flushes of the card; elsewhere standard input and output.

import { openSync, readSync, writeSync } from "node:fs";

const STANDARD = { input: 0, output: 1 };

let line: { input: number; output: number } | null = null;
let heard = "";
let onAcknowledged: (() => void) | undefined;

/**
 * Opens the line; a program that doesn't says nothing.
 *
 * @param onFirst called when the program has acknowledged something for the first time
 */
export function openLine(port?: string, onFirst?: () => void): void {
  onAcknowledged = onFirst;
  if (port === undefined) line = STANDARD;
  else {
    const both = openSync(port, "r+");
    line = { input: both, output: both };
  }
}

/** Says one line. */
export function say(...words: (string | number)[]): void {
  if (line === null) return;
  writeAll(line.output, new TextEncoder().encode(words.join(" ") + "\n"));
  if (words[0] !== "ack") return;
  onAcknowledged?.();
  onAcknowledged = undefined;
}

/** A pipe that Node made may refuse while it is full, and take a part. */
function writeAll(output: number, bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(output, rest));
    } catch (error) {
      if ((error as { code?: string }).code !== "EAGAIN") throw error;
    }
  }
}

/** Waits for one line; `null` when there will be none. */
export function hear(): string | null {
  const buffer = new Uint8Array(4096);
  while (!heard.includes("\n")) {
    const count = readSync(line!.input, buffer, 0, buffer.length, null);
    if (count === 0) return null;
    heard += new TextDecoder().decode(buffer.subarray(0, count));
  }
  const end = heard.indexOf("\n");
  const text = heard.slice(0, end);
  heard = heard.slice(end + 1);
  return text;
}
