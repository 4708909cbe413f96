// The other half of the oracle: compares what a program had said by the moment of the cut with what was found afterwards.

import type { Found } from "./guest/subject.ts";
import type { LogEntry } from "./write_log.ts";

/** What was said about one directory. */
export interface Claim {
  directory: string;
  /** Everything up to this sequence was acknowledged. */
  acknowledged: number;
  /** Nothing beyond this sequence was ever sent. */
  sent: number;
}

/** The newest directories only: what became of older ones was decided many flushes ago. */
const DIRECTORIES_MAX = 5;

/**
 * What had been said after `moment` entries of a log.
 *
 * @param earlier what was known when the machine was started
 */
export function claimsAt(
  log: readonly LogEntry[],
  moment: number,
  earlier: readonly Claim[] = [],
): Claim[] {
  const claims = new Map(earlier.map((claim) => [claim.directory, { ...claim }]));
  log.forEach((entry, index) => {
    if (entry.at !== "said") return;
    const [what, directory, sequence] = entry.text.split(" ");
    if (directory === undefined) return;
    const claim = claims.get(directory) ?? { directory, acknowledged: 0, sent: 0 };
    // The line can be a moment late: what reached the disk may have been sent a little before it was heard of.
    if (what === "send") claim.sent = Math.max(claim.sent, Number(sequence));
    else if (index >= moment) return;
    // What a recovery found was synced by it, so it must be found again.
    if (what === "ack" || what === "found") {
      claim.acknowledged = Math.max(claim.acknowledged, Number(sequence));
    }
    if (index < moment) claims.set(directory, claim);
  });
  return [...claims.values()].slice(-DIRECTORIES_MAX);
}

/** How a crash state fares. */
export type RigVerdict = "sound" | "lost" | "unopenable" | "wrong" | "invented" | "not mounted";

/** What each verdict means, for the reader of a run's end. */
export const MEANINGS: Record<RigVerdict, string> = {
  sound: "everything is as it must be",
  lost: "mutations that were acknowledged are gone",
  unopenable: "the state does not open",
  wrong: "the state opens and is not what was written, or does not work afterwards",
  invented: "the state has mutations that were never sent",
  "not mounted": "the file system could not be repaired or mounted",
};

/** Judges what was found in one directory: acknowledged ≤ k ≤ sent, and the state is the model's after k mutations. */
export function judge(claim: Claim, found: Found): RigVerdict {
  const { sequence, problem } = found;
  if (sequence === null) return "unopenable";
  if (sequence < claim.acknowledged) return "lost";
  if (problem !== null) return "wrong";
  return sequence > claim.sent ? "invented" : "sound";
}
