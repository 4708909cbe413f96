/**
 * What takes part in the benchmark: the bare floor, ministate and its peers, all behind one interface.
 *
 * @module
 */

import type { Reading } from "../support/workload.ts";

/** The runtimes; a contender is only ever compared with others of the same one. */
export const RUNTIMES = ["deno", "bun", "node"] as const;
/** One of the runtimes. */
export type Runtime = (typeof RUNTIMES)[number];

/** The runtimes that there are figures of, always in the same order. */
export function measuredOn(runs: { runtime: Runtime }[]): Runtime[] {
  return RUNTIMES.filter((runtime) => runs.some((run) => run.runtime === runtime));
}

/** A contender that was opened on a directory. What a call returns, or resolves, is durable. */
export interface Store {
  /** Keeps a reading as the latest of its key. */
  commit(reading: Reading): void | Promise<unknown>;
  /** Commits several with one sync, for contenders that need a separate call for it. */
  commitMany?(readings: readonly Reading[]): void | Promise<unknown>;
  close(): void | Promise<unknown>;
}

/** A store that is used as a journal: mutations under their numbers, as text. */
export interface Log {
  /** Adds mutations, the first of them with number `first`. */
  append(first: number, texts: readonly string[]): void | Promise<unknown>;
  /** Gives all of them, in order. */
  replay(apply: (text: string) => void): void | Promise<unknown>;
  close(): void | Promise<unknown>;
}

/** What the tables say of a contender, and how it is opened. */
export interface Contender {
  name: string;
  /** Where it can be expected to run at all. */
  runtimes: readonly Runtime[];
  /** Whether what it acknowledged survives a power cut. */
  durable: boolean;
  /** How it was made durable, or why it can't be: one sentence without its full stop. */
  durability: string;
  /** Whether commits that wait at the same time share a sync without being asked to. */
  sharesSyncs: boolean;
  /** Whether there is a `commitMany`: "batching by hand" in the tables. */
  batchesByHand: boolean;
  open(directory: string): Store | Promise<Store>;
  /** Opens it as a journal, for those that can be one. */
  openLog?(directory: string): Log | Promise<Log>;
}
