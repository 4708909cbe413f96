// The mutators that the tests keep state with.

import { StateManager, type StateManagerOptions } from "@ministate/ministate";

/** The state of {@linkcode ledger}: every mutation, in order. */
export interface Ledger {
  entries: unknown[];
}

/** Keeps every mutation as it came, and answers with how many there are. */
export const ledger = {
  initial: (): Ledger => ({ entries: [] }),
  apply(state: Ledger, mutation: unknown): number {
    return state.entries.push(mutation);
  },
};

/** Counts, and refuses what would make the count negative. */
export const counter = {
  initial: () => ({ value: 0 }),
  apply(state: { value: number }, mutation: { by: number }): number {
    if (state.value + mutation.by < 0) throw new RangeError("the count can't be negative");
    state.value += mutation.by;
    return state.value;
  },
};

/** The journal's name in all tests that don't care. */
export const journalName = "test.wal.jsonl";

/** Opens a {@linkcode ledger}. */
export function openLedger(
  directory: string,
  options: StateManagerOptions = {},
): Promise<StateManager<Ledger, unknown, number>> {
  return StateManager.open<Ledger, unknown, number>(directory, journalName, ledger, options);
}

/** Opens a {@linkcode counter}. */
export function openCounter(
  directory: string,
  options: StateManagerOptions = {},
): Promise<StateManager<{ value: number }, { by: number }, number>> {
  return StateManager.open(directory, journalName, counter, options);
}
