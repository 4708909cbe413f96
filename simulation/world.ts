/**
 * The model that every crash test compares with: which mutations were acknowledged, and which may have been made.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Applied, MinistateError, StateManager } from "@ministate/ministate";
import type { MutationContext, StateManagerOptions } from "@ministate/ministate";
import { isPowerCut } from "../testing/disk/disk_calls.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";

export const DIRECTORY = "/data/state";
export const NAME = "w.wal.jsonl";

/** The state: the mutations that made it, in order. */
export interface Ids {
  ids: number[];
  /** The context that the mutator got with each: sequence and timestamp. */
  contexts?: [number, number][];
  /** Makes a state large. */
  ballast?: string;
}

/** A mutation, made long by `pad` where a test wants sectors or segments to fill. */
export interface Add {
  id: number;
  pad?: string;
}

/** Keeps the number of every mutation. */
export const collector = {
  name: "collector",
  initial: (): Ids => ({ ids: [] }),
  apply(state: Ids, { id }: Add, { sequence, timestamp }: MutationContext): number {
    (state.contexts ??= []).push([sequence, timestamp]);
    return state.ids.push(id);
  },
};

export type Manager = StateManager<Ids, Add, number>;

/** Codes of refusals after which the mutation is certain not to be in the journal. */
const NOT_WRITTEN = new Set([
  "DISK_FULL",
  "IO_FAILED",
  "INVALID_MUTATION",
  "TOO_LARGE",
  "CLOSED",
]);

/** One history, as its callers saw it. */
export class World {
  /** Acknowledged, in sequence order. */
  readonly certain: number[] = [];
  /** Submitted and not answered, or answered with an error that leaves it open; those of one call together. */
  maybe: number[][] = [];
  /** The codes of all refusals. */
  readonly refusals: string[] = [];
  /** The first failure that must not happen. */
  problem: Error | null = null;
  /** The manager opened last. */
  manager: Manager | null = null;
  #poisoned: Manager | null = null;
  #next = 1;
  /** The context the mutator got when a mutation was acknowledged: every replay must give it the same. */
  readonly #contexts = new Map<number, string>();
  #time = 0;

  /** The same history, to be continued in another way. */
  fork(): World {
    const world = new World();
    world.certain.push(...this.certain);
    world.maybe = [...this.maybe];
    world.#next = this.#next + 1000;
    world.#time = this.#time + 1000;
    for (const [id, context] of this.#contexts) world.#contexts.set(id, context);
    return world;
  }

  /** Opens the state and checks that it is one the history allows. */
  async open(
    fs: PowerCutDisk,
    options: StateManagerOptions = {},
    mutator: typeof collector & { version?: number } = collector,
  ): Promise<Manager> {
    const manager: Manager = await StateManager.open(DIRECTORY, NAME, mutator, {
      compaction: "manual",
      clock: () => ++this.#time,
      ...options,
      fs,
    });
    this.manager = manager;
    this.settle(manager.state.ids, manager.sequence);
    for (const [index, id] of manager.state.ids.entries()) {
      assert.equal(
        manager.state.contexts?.[index]?.[0],
        index + 1,
        "the mutator got another sequence",
      );
      const context = this.#contexts.get(id);
      if (context !== undefined && context !== `${manager.state.contexts?.[index]}`) {
        assert.fail(`replayed ${id} as ${manager.state.contexts?.[index]}, not as ${context}`);
      }
    }
    return manager;
  }

  /** Checks a recovered state; from then on it is what is certain. */
  settle(ids: readonly number[], sequence: number): void {
    this.check(ids, sequence);
    this.certain.splice(0, Infinity, ...ids);
    this.maybe = [];
  }

  /** Throws when the history doesn't allow a recovered state. */
  check(ids: readonly number[], sequence: number): void {
    const possible = [this.certain.length];
    const all = [...this.certain];
    for (const group of this.maybe) {
      all.push(...group);
      possible.push(all.length);
    }
    const found = () =>
      `acknowledged ${this.certain}, open ${JSON.stringify(this.maybe)}, found ${ids}`;
    if (!possible.includes(ids.length)) assert.fail(`a wrong number of mutations: ${found()}`);
    if (ids.some((id, i) => id !== all[i])) assert.fail(`other mutations: ${found()}`);
    assert.equal(sequence, ids.length, "the sequence and the state differ");
  }

  /** Applies one mutation. Resolves with whether it was acknowledged. */
  apply(manager: Manager, padSize = 0): Promise<boolean> {
    const mutation = this.#draw(padSize);
    return this.#track(manager, [mutation.id], () => manager.apply(mutation));
  }

  /** Applies a group. Resolves with whether it was acknowledged. */
  applyAll(manager: Manager, count: number, padSize = 0): Promise<boolean> {
    const mutations = Array.from({ length: count }, () => this.#draw(padSize));
    return this.#track(
      manager,
      mutations.map(({ id }) => id),
      () => manager.applyAll(mutations),
    );
  }

  #draw(padSize: number): Add {
    const id = this.#next++;
    return padSize === 0 ? { id } : { id, pad: `${id}`.padStart(padSize, ".") };
  }

  async #track(
    manager: Manager,
    ids: number[],
    call: () => Promise<Applied<number> | Applied<number>[]>,
  ): Promise<boolean> {
    this.maybe.push(ids);
    const before = [...manager.state.ids];
    try {
      const applied = [await call()].flat();
      if (this.#poisoned === manager) throw this.#fail("an acknowledgement after a failed sync");
      this.maybe.splice(this.maybe.indexOf(ids), 1);
      this.certain.push(...ids);
      for (const id of ids) {
        this.#contexts.set(id, `${manager.state.contexts?.[this.#sequenceOf(id) - 1]}`);
      }
      assert.deepEqual(
        applied.map(({ sequence }) => sequence),
        ids.map((id) => this.#sequenceOf(id)),
      );
      return true;
    } catch (error) {
      this.#refused(error, ids, before, manager);
      return false;
    }
  }

  #sequenceOf(id: number): number {
    return this.certain.indexOf(id) + 1;
  }

  #refused(error: unknown, ids: number[], before: number[], manager: Manager): void {
    if (isPowerCut(error)) throw error;
    const { ids: after } = manager.state;
    if (!(error instanceof MinistateError)) throw this.#fail(`an untyped error: ${error}`, error);
    if (ids.some((id) => after.includes(id)) || before.some((id, i) => after[i] !== id)) {
      throw this.#fail("a refused mutation changed memory", error);
    }
    this.refusals.push(error.code);
    if (error.code === "POISONED") this.#poisoned = manager;
    else if (this.#poisoned === manager && error.code !== "CLOSED") {
      throw this.#fail(`${error.code} after a failed sync`, error);
    }
    if (NOT_WRITTEN.has(error.code)) this.maybe.splice(this.maybe.indexOf(ids), 1);
  }

  #fail(message: string, cause?: unknown): Error {
    this.problem ??= new Error(message, { cause });
    return this.problem;
  }
}

/** Waits until all are done, then throws what the first failure threw. */
export async function all(promises: Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find(({ status }) => status === "rejected");
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
}

/** Awaits a promise, and fails instead of waiting forever. */
export async function within<T>(promise: Promise<T>, milliseconds = 20_000): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing for ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
