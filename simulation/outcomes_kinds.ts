/**
 * What random histories of a changing program must have met, and how often they did.
 *
 * @module
 */

import type { Found } from "./outcomes_journal.ts";
import type { Ledger, Opening } from "./outcomes_model.ts";

/** What a set of histories must have met at least once. */
export const KINDS = [
  "power cut between a batch and the record of its refusals",
  "power cut during an update",
  "power cut in a group with refusals",
  "accepted mutation refused now",
  "refused before it was written",
  "rolled back",
  "power cut during a roll-back",
  "nothing left to replay",
  "an honest past verified",
  "another effect found",
] as const;

/** These, and one that takes more steps in a row than are drawn. */
export type Kind = typeof KINDS[number] | "undecided mutation refused by another version";

/** How often each was met. */
export type Kinds = Map<Kind, number>;

/** Notes that one of them was met. */
export function meet(kinds: Kinds, kind: Kind): void {
  kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
}

/** Notes between which steps the power went, judging by what it left. */
export function meetCut(kinds: Kinds, ledger: Ledger, { undecided, groups }: Found): void {
  if (undecided === null) return;
  const [first, last] = undecided;
  const isRefused = (sequence: number) => ledger.past[sequence - 1]?.refused === true;
  const open = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  if (!open.some(isRefused)) return;
  meet(kinds, "power cut between a batch and the record of its refusals");
  if (groups.some(([from]) => from >= first && isRefused(from))) {
    meet(kinds, "power cut in a group with refusals");
  }
}

/** Notes that a program does not open what is there. */
export function meetChanged(kinds: Kinds, opening: Opening): void {
  if (!("changedAt" in opening)) return;
  meet(
    kinds,
    opening.undecided
      ? "undecided mutation refused by another version"
      : "accepted mutation refused now",
  );
}
