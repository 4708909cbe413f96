/**
 * Measures commits in this process: the bare loop, one caller, or many callers at once.
 *
 * @module
 */

import { StateManager } from "../mod.ts";
import { detectFs } from "../runtime/detect.ts";
import { BatchEncoder } from "../src/encode.ts";
import { makeFloor } from "./floor.ts";
import { JOURNAL, readingAt, readings } from "./workload.ts";

/** How long a contender runs before it is measured, and while it is. */
export interface Span {
  warmUpMs: number;
  measureMs: number;
}

/** What a contender did while it was measured. */
export interface Rate {
  count: number;
  perSecond: number;
  /** Size of one line on the disk, in bytes. */
  lineSize: number;
}

/** The mutation all of them write, and the line it becomes in a journal of some length. */
const mutation = readingAt(123_456);

async function encodeLine(): Promise<Uint8Array> {
  const { crc32 } = await detectFs();
  return new BatchEncoder(crc32).encode([JSON.stringify(mutation)], 12_345, Date.now(), 0);
}

/** Write at a position and `fdatasync`, in a loop of synchronous calls. */
export async function measureFloor(directory: string, span: Span): Promise<Rate> {
  const line = await encodeLine();
  const step = makeFloor(`${directory}/floor`, line);
  const loop = (durationMs: number) => {
    const end = performance.now() + durationMs;
    let count = 0;
    while (performance.now() < end) {
      step();
      count++;
    }
    return count;
  };
  loop(span.warmUpMs);
  const start = performance.now();
  const count = loop(span.measureMs);
  return rate(count, performance.now() - start, line.length);
}

/** `callers` loops, each of which awaits its own `apply` before the next. */
export async function measureApply(
  directory: string,
  span: Span,
  callers: number,
): Promise<Rate> {
  const manager = await StateManager.open(directory, JOURNAL, readings);
  let end = performance.now() + span.warmUpMs;
  const caller = async () => {
    while (performance.now() < end) await manager.apply(mutation);
  };
  const round = () => Promise.all(Array.from({ length: callers }, caller));
  await round();
  const before = manager.sequence;
  const start = performance.now();
  end = start + span.measureMs;
  await round();
  const elapsedMs = performance.now() - start;
  const count = manager.sequence - before;
  await manager.close();
  return rate(count, elapsedMs, (await encodeLine()).length);
}

function rate(count: number, elapsedMs: number, lineSize: number): Rate {
  return { count, perSecond: count / elapsedMs * 1000, lineSize };
}
