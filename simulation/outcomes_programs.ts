/**
 * The programs that a history has had: which of them opens the state now, also while an update is rolled back.
 *
 * @module
 */

import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { FIRST, type Program } from "./outcomes_program.ts";
import { acknowledgedLines } from "./outcomes_roll_back.ts";
import type { Change } from "./outcomes_steps.ts";

/** All so far. An older one is asked when a newer one refuses what is there. */
export class Programs {
  /** The newest first. */
  #all: Program[] = [FIRST];
  /** While an update is being rolled back: all programs, in case no older one can open the state. */
  #newer: Program[] | null = null;

  #kept: ReadonlySet<string> = new Set<string>();
  #keptBefore = this.#kept;

  get all(): readonly Program[] {
    return this.#all;
  }

  get newer(): readonly Program[] | null {
    return this.#newer;
  }

  /** The acknowledged lines of newer versions that roll-backs have set aside. */
  get kept(): ReadonlySet<string> {
    return this.#kept;
  }

  /** The one that is used now, or next. */
  get current(): Program {
    return this.#all[0]!;
  }

  /** The one that follows. While a roll-back is under way, only one of its version can end it. */
  following({ raise, ...rest }: Change): Program {
    return changed(this.current, { ...rest, raise: raise && this.#newer === null });
  }

  change(to: Change): void {
    this.#all.unshift(this.following(to));
  }

  /**
   * Returns to the latest one of an older version, if there is one.
   *
   * @param last the last sequence that was acknowledged
   */
  fallBack(disk: PowerCutDisk, last: number): void {
    const { version } = this.current;
    const older = this.#all.filter((program) => program.version < version);
    if (older.length === 0 || this.#newer !== null) return;
    this.#newer = this.#all;
    this.#all = older;
    this.#keptBefore = this.#kept;
    this.#kept = new Set([...this.#kept, ...acknowledgedLines(disk, this.current, last)]);
  }

  /** Gives up the current one; returns whether there is another. */
  giveUp(): boolean {
    this.#all.shift();
    return this.#all.length > 0;
  }

  /** Ends a roll-back that is not possible. */
  updateAgain(): void {
    this.#all = this.#newer!;
    this.#newer = null;
    this.#kept = this.#keptBefore;
  }

  /** Ends a roll-back. */
  settle(): void {
    this.#newer = null;
  }
}

/** The program that follows another one. */
export function changed({ version }: Program, { raise, ...rest }: Change): Program {
  return { ...rest, version: version + (raise ? 1 : 0) };
}
