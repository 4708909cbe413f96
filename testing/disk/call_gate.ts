/**
 * The gate that every call of the simulated disk goes through: counted, logged, made to fail, or never to return.
 *
 * @module
 */

import type { DurableFile, DurableFs } from "../../src/durable_fs.ts";

/** The names of calls, for the log and for choosing which of them fail. `create` is `open` with that mode. */
export type Operation =
  | Exclude<keyof DurableFs, "crc32" | "resolve" | "identity">
  | Exclude<keyof DurableFile, "identity">
  | "create"
  | "release";

/** What every call throws once the power is cut. It has no code, so nothing mistakes it for a failure of the disk. */
export class PowerCutError extends Error {
  /** The class's name, which survives minifying. */
  override readonly name = "PowerCutError";
}

/** Whether an error came of the power being gone, however it was wrapped on the way. */
export function isPowerCut(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof PowerCutError) return true;
  }
  return false;
}

/** Which calls fail, and how. */
export interface Fault {
  /** The call, counted from 1. */
  at: number;
  /**
   * `EIO`: the device refuses. `late EIO`: a write or a change of names is done, and reports a failure all the same.
   * `ENOSPC`: the disk is full; only calls that need space fail. `short`: reads and writes give or take half of what
   * was asked, and say so. `garbled`: writes succeed with one bit of them changed.
   */
  how: "EIO" | "late EIO" | "ENOSPC" | "short" | "garbled";
  /** Whether every later call that can fail like this does so too. @default false */
  sticky?: boolean;
}

/** The calls that a full disk can fail. */
const NEEDS_SPACE: ReadonlySet<Operation> = new Set<Operation>([
  "create",
  "write",
  "truncate",
  "rename",
  "makeDirectory",
  "syncData",
  "syncAll",
  "syncDirectory",
]);

const READS_OR_WRITES: ReadonlySet<Operation> = new Set<Operation>(["read", "write"]);
/** The calls that can be done and fail nevertheless. */
const CHANGES: ReadonlySet<Operation> = new Set<Operation>([
  "create",
  "write",
  "truncate",
  "rename",
  "remove",
  "makeDirectory",
  "lock",
]);
const WRITES: ReadonlySet<Operation> = new Set<Operation>(["write"]);

/** The calls that each kind of fault can befall; `null` for any. */
const BEFALLS: Record<Fault["how"], ReadonlySet<Operation> | null> = {
  EIO: null,
  "late EIO": CHANGES,
  ENOSPC: NEEDS_SPACE,
  short: READS_OR_WRITES,
  garbled: WRITES,
};

/** Counts calls and decides what becomes of each. */
export class CallGate {
  /** How many calls were made. */
  calls = 0;
  /** Every call, as `operation path`. */
  readonly log: string[] = [];
  /** The call at which the power goes, counted from 1: that call and all later ones throw `PowerCutError`. */
  cutAt: number | null = null;
  /** Which calls fail, if any. */
  fault: Fault | null = null;
  /** How many calls the fault made fail. */
  faults = 0;
  /** Whether the power is gone. */
  dead = false;

  /** Throws when the power is gone. */
  protected refuseDead(): void {
    if (this.dead) throw new PowerCutError("The power is gone");
  }

  /**
   * Counts a call, and throws when it is to fail.
   *
   * @param change what the call does; done when the power goes during it, unless it is a sync
   * @param partial what is done of it when it fails
   * @returns how it is to go wrong without failing, if it is
   */
  protected enter(
    operation: Operation,
    path: string,
    change?: () => void,
    partial?: (how: Fault["how"]) => void,
  ): "short" | "garbled" | null {
    this.refuseDead();
    this.calls++;
    this.log.push(`${operation} ${path}`);
    if (this.calls === this.cutAt) {
      change?.();
      this.dead = true;
      throw new PowerCutError(`Power cut at call ${this.calls}: ${operation} ${path}`);
    }
    if (this.fault === null || !this.#befalls(this.fault, operation)) return null;
    this.faults++;
    const { how } = this.fault;
    if (how === "short" || how === "garbled") return how;
    if (how === "late EIO") change?.();
    else partial?.(how);
    throw failure(how === "late EIO" ? "EIO" : how, operation, path);
  }

  #befalls({ at, how, sticky = false }: Fault, operation: Operation): boolean {
    const now = sticky ? this.calls >= at : this.calls === at;
    return now && BEFALLS[how]?.has(operation) !== false;
  }
}

/** An error as the operating system gives it. */
export function failure(code: string, operation: Operation, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${path}'`), { code });
}

/** Makes a call a turn later and answers with a promise: whoever doesn't wait for it does the next thing before it. */
export async function later<T>(call: () => T | Promise<T>): Promise<T> {
  await undefined;
  return await call();
}
