// What runs on the board: a way to write forever, and a way to check what a power cut left.

import { existsSync } from "node:fs";

/** What was found in one directory. */
export interface Found {
  directory: string;
  /** How many mutations the recovered state has; `null` when it did not open. */
  sequence: number | null;
  /** The result of opening it, in a few words. */
  outcome: string;
  /** What is wrong, or `null`. */
  problem: string | null;
}

/** One thing that is tried. */
export interface Subject {
  /** Writes below a folder until the power goes, and says what it sends and what it holds for durable. */
  write(folder: string): Promise<void>;
  /** Opens one directory, compares it with the model, continues with it, and opens it again. */
  check(directory: string): Promise<Found>;
}

/** Runs the steps of a check; whatever they throw is the problem. */
export async function findIn(
  directory: string,
  steps: (found: Found) => Promise<void> | void,
): Promise<Found> {
  const found: Found = { directory, sequence: null, outcome: "not opened", problem: null };
  // A program that had only just begun may have left nothing, and the check must not create it.
  if (!existsSync(directory)) return { ...found, sequence: 0, outcome: "not there yet" };
  try {
    await steps(found);
  } catch (error) {
    const { name, message } = error as Error;
    found.problem = `${(error as { code?: string }).code ?? name}: ${message}`;
  }
  return found;
}
