/**
 * The calls made to the simulated disk: counted, logged, made to fail, or ended by a power cut.
 *
 * @module
 */

import type { DurableFile, DurableFs } from "../../src/durable_fs.ts";

/** The names of calls, for the log and for choosing which of them fail. `create` is `open` with that mode. */
export type DiskCall =
  | Exclude<keyof DurableFs, "crc32" | "resolve" | "identity" | "now">
  | Exclude<keyof DurableFile, "identity">
  | "create"
  | "release";

/**
 * Thrown by every call once the power is cut. It has no code, so nothing mistakes it for a failure of the disk.
 *
 * @example Tell a power cut from a failure
 * ```ts
 * import { isPowerCut, PowerCutDisk, PowerCutError } from "@ministate/ministate/testing";
 * import { assertRejects } from "@std/assert";
 *
 * const disk = new PowerCutDisk();
 * disk.cutAt = disk.calls + 1;
 * await assertRejects(() => disk.list("/"), PowerCutError);
 * await assertRejects(() => disk.list("/"), PowerCutError); // and so does every later call
 * ```
 */
export class PowerCutError extends Error {
  /** The class's name, which survives minifying. */
  override readonly name = "PowerCutError";
}

/**
 * Whether an error was caused by a power cut, however it was wrapped.
 *
 * @example End a test program when the power goes
 * ```ts
 * import { StateManager } from "@ministate/ministate";
 * import { isPowerCut, PowerCutDisk } from "@ministate/ministate/testing";
 * import { assert } from "@std/assert";
 *
 * const counter = {
 *   initial: () => ({ value: 0 }),
 *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
 * };
 * const disk = new PowerCutDisk();
 * const manager = await StateManager.open("/state", "counter.wal.jsonl", counter, { fs: disk });
 *
 * disk.cutAt = disk.calls + 1;
 * const error = await manager.apply({ by: 1 }).catch((error) => error);
 * assert(isPowerCut(error)); // the library's error has it as its cause
 * ```
 */
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
   * `EIO`: the device refuses. `late EIO`: a write or a change of names is done but still reports a failure. `ENOSPC`:
   * the disk is full; only calls that need space fail. `short`: reads and writes process half of what was asked, and
   * return that count. `garbled`: writes succeed with one bit changed.
   */
  how: "EIO" | "late EIO" | "ENOSPC" | "short" | "garbled";
  /** Whether every later call that can fail in this way also does. @default false */
  sticky?: boolean;
}

/** The calls that fail on a full disk. */
const NEEDS_SPACE: ReadonlySet<DiskCall> = new Set<DiskCall>([
  "create",
  "write",
  "truncate",
  "rename",
  "makeDirectory",
  "syncData",
  "syncAll",
  "syncDirectory",
]);

const READS_OR_WRITES: ReadonlySet<DiskCall> = new Set<DiskCall>(["read", "write"]);
/** The calls that can take effect and still fail. */
const CHANGES: ReadonlySet<DiskCall> = new Set<DiskCall>([
  "create",
  "write",
  "truncate",
  "rename",
  "remove",
  "makeDirectory",
  "lock",
]);
const WRITES: ReadonlySet<DiskCall> = new Set<DiskCall>(["write"]);

/** The calls that each kind of fault can affect; `null` for any. */
const BEFALLS: Record<Fault["how"], ReadonlySet<DiskCall> | null> = {
  EIO: null,
  "late EIO": CHANGES,
  ENOSPC: NEEDS_SPACE,
  short: READS_OR_WRITES,
  garbled: WRITES,
};

/**
 * What happens to the calls made to a disk: the part of `PowerCutDisk` that counts them and makes them fail.
 *
 * @example Fail one call, and look at the log
 * ```ts
 * import { PowerCutDisk } from "@ministate/ministate/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const disk = new PowerCutDisk();
 * await disk.makeDirectory("/state");
 * disk.fault = { at: disk.calls + 1, how: "EIO" };
 * await assertRejects(() => disk.list("/state"), Error, "EIO");
 * assertEquals(await disk.list("/state"), []);
 *
 * assertEquals(disk.log, ["makeDirectory /state", "list /state", "list /state"]);
 * assertEquals(disk.faults, 1);
 * ```
 */
export class DiskCalls {
  /** How many calls were made. */
  calls = 0;
  /** Every call, as `operation path`. */
  readonly log: string[] = [];
  /** The call at which the power is cut, counted from 1: that call and all later ones throw `PowerCutError`. */
  cutAt: number | null = null;
  /** Which calls fail, if any. */
  fault: Fault | null = null;
  /** How many calls the fault has affected. */
  faults = 0;
  /** Whether the power is gone. */
  dead = false;

  /** Throws when the power is gone. */
  protected refuseDead(): void {
    if (this.dead) throw new PowerCutError("The power is gone");
  }

  /**
   * Counts a call, and throws when it must fail.
   *
   * @param change what the call does; it takes effect if the power is cut during it, unless it is a sync
   * @param partial the part that takes effect when the call fails
   * @returns how the call must go wrong without failing, if at all
   */
  protected enter(
    call: DiskCall,
    path: string,
    change?: () => void,
    partial?: (how: Fault["how"]) => void,
  ): "short" | "garbled" | null {
    this.refuseDead();
    this.calls++;
    this.log.push(`${call} ${path}`);
    if (this.calls === this.cutAt) {
      change?.();
      this.dead = true;
      throw new PowerCutError(`Power cut at call ${this.calls}: ${call} ${path}`);
    }
    if (this.fault === null || !this.#befalls(this.fault, call)) return null;
    this.faults++;
    const { how } = this.fault;
    if (how === "short" || how === "garbled") return how;
    if (how === "late EIO") change?.();
    else partial?.(how);
    throw failure(how === "late EIO" ? "EIO" : how, call, path);
  }

  #befalls({ at, how, sticky = false }: Fault, operation: DiskCall): boolean {
    const now = sticky ? this.calls >= at : this.calls === at;
    return now && BEFALLS[how]?.has(operation) !== false;
  }
}

/** An error in the form that the operating system produces. */
export function failure(code: string, operation: DiskCall, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${path}'`), { code });
}

/** Makes a call one turn later and returns a promise: a caller that doesn't await it does its next step first. */
export async function later<T>(call: () => T | Promise<T>): Promise<T> {
  await undefined;
  return await call();
}
