// Opens what a power cut left of the library's own files, compares it with the model, and continues with it.

import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { StateManager } from "@ministate/ministate";
import { differs, type Entry, entry, type Ledger, ledger } from "./model.ts";
import { findIn, type Found } from "./subject.ts";

/** The name of every journal on the board. */
export const JOURNAL = "board.wal.jsonl";

type Manager = StateManager<Ledger, Entry, number>;

/** What a full disk is filled with, beside the state. */
export const BALLAST = "ballast";

/** Checks one directory. */
export function checkState(directory: string): Promise<Found> {
  return findIn(directory, async (found) => {
    found.sequence = await reopen(directory, null, found);
    // Opening must work on a full disk too; continuing needs some space.
    rmSync(`${dirname(directory)}/${BALLAST}`, { force: true });
    await goOn(directory, found.sequence);
  });
}

function open(directory: string): Promise<Manager> {
  return StateManager.open(directory, JOURNAL, ledger);
}

/** Opens, compares and closes. Returns the sequence. */
async function reopen(directory: string, wanted: number | null, found?: Found): Promise<number> {
  await using manager = await open(directory);
  const { sequence, recovery } = manager;
  const problem = differs(manager.snapshot(), sequence) ??
    (wanted === null || wanted === sequence ? null : `${sequence} mutations, not ${wanted}`) ??
    (recovery.lost === null ? null : "the report says that mutations were lost");
  if (found) found.outcome = outcomeOf(manager);
  if (problem !== null) throw new Error(problem);
  return sequence;
}

function outcomeOf({ sequence, recovery }: Manager): string {
  if (recovery.torn !== null) return "torn tail cut";
  if (sequence === 0) return "nothing yet";
  return recovery.snapshot !== null ? "sound, from a snapshot" : "sound";
}

/** A torn tail that was skipped but not cut shows only when the next mutation and a compaction follow. */
async function goOn(directory: string, sequence: number): Promise<void> {
  await reopen(directory, sequence);
  {
    await using manager = await open(directory);
    for (let i = 1; i <= 3; i++) await manager.apply(entry(sequence + i));
    await manager.compact();
    await manager.apply(entry(sequence + 4));
  }
  await reopen(directory, sequence + 4);
}
