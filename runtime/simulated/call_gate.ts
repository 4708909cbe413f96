/**
 * The gate that every call of the memory disk goes through: counted, logged, made to fail, or never to return.
 *
 * @module
 */

import type { DurableFile, DurableFs } from "../../src/durable_fs.ts";

/** The names of calls, for the log and for choosing which of them fail. */
export type Operation =
  | Exclude<keyof DurableFs, "crc32">
  | keyof DurableFile
  | "create"
  | "release";

/** What every call throws once the power is cut. It has no code, so nothing mistakes it for a failure of the disk. */
export class PowerCut extends Error {}

/** Whether an error came of the power being gone, however it was wrapped on the way. */
export function isPowerCut(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof PowerCut) return true;
  }
  return false;
}

/** Which calls fail, and how. `short` lets reads and writes return too little and nothing else fail. */
export interface Fault {
  /** The call, counted from 1. */
  at: number;
  how: "EIO" | "ENOSPC" | "short";
  /** Whether every later call that can fail like this does so too. */
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

/** Counts calls and decides what becomes of each. */
export class CallGate {
  /** How many calls were made. */
  calls = 0;
  /** Every call, as `operation path`. */
  readonly log: string[] = [];
  /** The call at which the power goes. */
  cutAt: number | null = null;
  fault: Fault | null = null;
  /** How many calls the fault made fail. */
  faults = 0;
  /** Whether the power is gone. */
  dead = false;

  /**
   * Counts a call, and throws when it is to fail.
   *
   * @param change what the call does; done when the power goes during it, unless it is a sync
   * @param partial what is done of it when it fails
   * @returns whether its count is to be short
   */
  protected enter(
    operation: Operation,
    path: string,
    change?: () => void,
    partial?: (how: Fault["how"]) => void,
  ): boolean {
    if (this.dead) throw new PowerCut("the power is gone");
    this.calls++;
    this.log.push(`${operation} ${path}`);
    if (this.calls === this.cutAt) {
      change?.();
      this.dead = true;
      throw new PowerCut(`power cut at call ${this.calls}: ${operation} ${path}`);
    }
    return this.#fails(operation, path, partial);
  }

  #fails(operation: Operation, path: string, partial?: (how: Fault["how"]) => void): boolean {
    if (this.fault === null) return false;
    const { at, how, sticky = false } = this.fault;
    if (sticky ? this.calls < at : this.calls !== at) return false;
    if (how === "short" && operation !== "read" && operation !== "write") return false;
    if (how === "ENOSPC" && !NEEDS_SPACE.has(operation)) return false;
    this.faults++;
    if (how === "short") return true;
    partial?.(how);
    throw failure(how, operation, path);
  }
}

/** An error as the operating system gives it. */
export function failure(code: string, operation: Operation, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${path}'`), { code });
}
