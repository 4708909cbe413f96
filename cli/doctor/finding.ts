/**
 * What `doctor` says: findings with a mark, and facts that may be unknown.
 *
 * @module
 */

import { systemCodeOf } from "../../src/durable_fs.ts";

/**
 * How much a finding matters. `unknown` could not be looked at; `notice` is worth knowing; `warning` makes losses
 * or failures more likely; `problem` breaks a promise, or keeps a program from working.
 */
export type Mark = "ok" | "unknown" | "notice" | "warning" | "problem";

/** Marks by weight, the lightest first. */
const MARKS: Mark[] = ["ok", "unknown", "notice", "warning", "problem"];

/** One line of the report. */
export interface Finding {
  /** What was looked at. */
  check: string;
  mark: Mark;
  /** What was found. */
  found: string;
  /** What that means for the state; with every warning and problem. */
  meaning?: string;
  /** What to do; with every warning and problem. */
  advice?: string;
}

/** A fact that could not be had. */
export interface Unknown {
  /** The system's name of the reason. */
  unknown: string;
}

/** A fact, or why it could not be had. */
export type Fact<T> = T | Unknown;

/** Whether a fact could not be had. */
export function isUnknown(fact: unknown): fact is Unknown {
  return typeof fact === "object" && fact !== null && "unknown" in fact;
}

/** Asks for a fact; the system's refusal makes it unknown, anything else is an error. */
export async function ask<T>(call: () => Promise<T>): Promise<Fact<T>> {
  try {
    return await call();
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === undefined) throw error;
    return { unknown: code };
  }
}

/** The fact, or `null`. */
export function knownOrNull<T>(fact: Fact<T>): T | null {
  return isUnknown(fact) ? null : fact;
}

/** A finding without remarks. */
export function fine(check: string, found: string): Finding {
  return { check, mark: "ok", found };
}

/** A finding about something that could not be looked at. */
export function notKnown(check: string, { unknown }: Unknown): Finding {
  return { check, mark: "unknown", found: `can't be found out here (${unknown})` };
}

/** The heaviest mark. */
export function worstOf(findings: Finding[]): Mark {
  return MARKS[Math.max(0, ...findings.map(({ mark }) => MARKS.indexOf(mark)))]!;
}

/** A path for the shell. */
export function shellText(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
