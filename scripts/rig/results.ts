// What the rig found: one row for each cut and each control, and every crash state that is not as it must be.

import type { FileSystem } from "./boot_files.ts";
import type { RigVerdict } from "./claims.ts";
import type { BoardRuntime, CutPlan } from "./cut.ts";
import type { Expected } from "./plans.ts";
import { sumTraffic, type Traffic } from "./traffic.ts";

/** One cut and the crash states that were derived from it. */
export interface CutRow extends CutPlan {
  number: number;
  /** 2 when the power had been cut on the same card before, so that this cut came during a recovery. */
  cut: 1 | 2;
  seed: number;
  /** When it was done, in seconds since the start. */
  seconds: number;
  traffic: Traffic;
  /** What kept the cut from being made, or `null`. */
  problem: string | null;
  verdicts: Partial<Record<RigVerdict, number>>;
  /** The results of opening the sound ones. */
  outcomes: Record<string, number>;
  states: number;
}

/** How a writer of the field fared. */
export interface ControlRow {
  subject: string;
  ignoresFlushes: boolean;
  expected: Expected;
  states: number;
  /** How many of them were not sound. */
  failed: number;
  /** What was wrong with the first of them. */
  example: string;
  asExpected: boolean;
  traffic: Traffic;
}

/** Something else that was tried, as one line. */
export interface OtherRow {
  name: string;
  ok: boolean;
  detail: string;
}

/** Something that is not as it must be, and how to look at it again. */
export interface Failure {
  what: string;
  detail: string;
  replay: string;
}

/** Everything one run found. */
export interface RigResults {
  startedAt: string;
  seconds: number;
  machine: string;
  seed: number;
  command: string;
  cuts: CutRow[];
  controls: ControlRow[];
  others: OtherRow[];
  failures: Failure[];
}

/** How many crash states of the library were examined. */
export function stateCount({ cuts }: RigResults): number {
  return cuts.reduce((sum, { states }) => sum + states, 0);
}

/** Whether a cut was made, and every crash state of it was as it must be. */
export function isSound({ problem, verdicts, states }: CutRow): boolean {
  return problem === null && (verdicts.sound ?? 0) === states;
}

/** Adds up the outcomes of some cuts. */
export function outcomesOf(cuts: readonly CutRow[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { outcomes, verdicts } of cuts) {
    const { sound: _, ...bad } = verdicts;
    for (const [name, count] of Object.entries({ ...outcomes, ...bad })) {
      sum[name] = (sum[name] ?? 0) + count;
    }
  }
  return sum;
}

/** The library's own cost: one caller, lines of about 100 bytes, nothing else on the card. */
export function ownTraffic(cuts: readonly CutRow[]): Record<BoardRuntime, Traffic> {
  const of = (runtime: BoardRuntime, fileSystem: FileSystem = "ext4") =>
    sumTraffic(
      cuts.filter((cut) =>
        cut.subject === "counted" && cut.runtime === runtime && cut.fileSystem === fileSystem
      ).map(({ traffic }) => traffic),
    );
  return { bun: of("bun"), deno: of("deno") };
}

/** Flushes and bytes for one acknowledged mutation. */
export function perMutation({ acknowledged, flushes, bytes }: Traffic): {
  flushes: number;
  bytes: number;
} {
  return { flushes: flushes / acknowledged, bytes: bytes / acknowledged };
}
