/**
 * What all parts of a run have in common: which runtimes, where the files go, and how progress is shown.
 *
 * @module
 */

import process from "node:process";
import type { Runtime } from "../contenders/contender.ts";

/** Where and on what a run measures. */
export interface Scope {
  runtimes: readonly Runtime[];
  /** A folder for all files, on the disk to be measured. */
  parent: string;
  quick: boolean;
}

/** Reverses every other round, so that a drift favours no contender. */
export function inTurn<T>(all: readonly T[], round: number): T[] {
  return round % 2 === 0 ? [...all] : all.toReversed();
}

const started = performance.now();
let shown = "";

/** One line that replaces itself on a terminal; elsewhere lines, but none for every little step. */
export function progress(text: string): void {
  const seconds = Math.round((performance.now() - started) / 1000);
  if (process.stdout.isTTY) {
    process.stdout.write(`\r\x1b[K${text && `${seconds} s  ${text}`}`);
    return;
  }
  const part = text.split(":")[0]!;
  if (part !== "" && part !== shown) console.log(`${seconds} s  ${part}`);
  shown = part;
}
