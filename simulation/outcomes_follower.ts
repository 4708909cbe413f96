/**
 * Follows a live manager, as a program does that shows each mutation, until it is closed.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { PurseManager } from "./outcomes_calls.ts";
import type { Ledger } from "./outcomes_model.ts";
import type { Program } from "./outcomes_program.ts";

/** One loop over all that comes from now on. */
export class Follower {
  readonly #from: number;
  readonly #seen: unknown[] = [];
  readonly #done: Promise<void>;

  constructor(manager: PurseManager) {
    this.#from = manager.sequence + 1;
    this.#done = this.#follow(manager);
    // Looked at when the manager is closed; after a power cut, nobody waits for it.
    this.#done.catch(() => undefined);
  }

  async #follow(manager: PurseManager): Promise<void> {
    for await (const { mutation, refused } of manager.changes({ from: this.#from })) {
      this.#seen.push({ id: mutation.id, by: mutation.by, refused });
    }
  }

  /** Compares all that it saw, once the manager is closed. */
  async compare(ledger: Ledger, program: Program): Promise<void> {
    await this.#done;
    assert.deepEqual(this.#seen, ledger.changes(program, this.#from), "what a follower saw");
  }
}
