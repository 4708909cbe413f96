/**
 * Does to the end of a journal what a power cut can do to it, and nothing that it can't: only bytes after the last
 * acknowledged reading are touched.
 *
 * @module
 */

import fs from "node:fs";
import { join } from "node:path";

/** The path of the newest segment and what its end looks like. */
interface End {
  path: string;
  /** Where the line feed after the last written line ends. */
  writtenEnd: number;
  /** The last written line. */
  line: string;
  /** The sequence the next reading would have. */
  next: number;
  /** The last sequence that was acknowledged. */
  acknowledged: number;
}

/** A number from 0 to 1, 1 excluded. */
export type Random = () => number;

type Tear = (end: End, random: Random) => void;

/** The damages, each with what the table calls it. */
const TEARS: Record<string, Tear> = {
  "half a batch": (end, random) => {
    const batch = batchOf(end.next);
    write(end, batch.subarray(0, Math.ceil((0.2 + 0.6 * random()) * batch.length)));
  },
  "a hole": (end, random) => {
    const batch = batchOf(end.next);
    // The sectors of one write reach the disk in any order: the middle one didn't.
    const from = Math.floor(batch.length * (0.2 + 0.3 * random()));
    write(end, batch.fill(0x0a, from, from + 40));
  },
  "random bytes": (end, random) => {
    write(end, Uint8Array.from({ length: 20 + Math.floor(400 * random()) }, () => random() * 256));
  },
  // Half of the last line goes too, if nothing of its batch was acknowledged.
  "cut short": ({ path, writtenEnd, line, acknowledged }) => {
    const horizon = /,(\d+),\d+,"[0-9a-f]{8}"\]$/.exec(line)?.[1];
    const spared = horizon === undefined || Number(horizon) < acknowledged;
    fs.truncateSync(path, writtenEnd - (spared ? 0 : line.length >> 1));
  },
  "nothing more": () => {},
};

/** The names of the damages, in the order in which the demo goes through them. */
export const TEAR_NAMES: readonly string[] = Object.keys(TEARS);

/** Tears the end of the journal in `directory`. */
export function tearTail(
  directory: string,
  name: string,
  acknowledged: number,
  random: Random,
): void {
  TEARS[name]!(findEnd(directory, acknowledged), random);
}

function findEnd(directory: string, acknowledged: number): End {
  const segment = fs.readdirSync(directory).filter((file) => file.endsWith(".wal.jsonl")).sort().at(
    -1,
  )!;
  const path = join(directory, segment);
  const text = fs.readFileSync(path, "latin1").replace(/\n+$/, "");
  const line = text.slice(text.lastIndexOf("\n") + 1);
  const next = Number(/^\[(\d+),/.exec(line)?.[1] ?? 0) + 1;
  return { path, writtenEnd: text.length + 1, line, next, acknowledged };
}

/** Three readings as one batch would have them, the checksum made up. */
function batchOf(next: number): Uint8Array {
  const line = (k: number) => `[${next + k},{"sensor":"torn","value":${k},"unit":"tasks"}`;
  return new TextEncoder().encode(
    `${line(0)}]\n${line(1)}]\n${line(2)},${next - 1},1700000000000,"0badc0de"]\n`,
  );
}

function write(end: End, bytes: Uint8Array): void {
  const fd = fs.openSync(end.path, "r+");
  fs.writeSync(fd, bytes, 0, bytes.length, end.writtenEnd);
  fs.closeSync(fd);
}
