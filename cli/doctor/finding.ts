/**
 * The findings of `doctor`, each with a mark, and facts that may be unknown.
 *
 * @module
 */

import { systemCodeOf } from "../../src/durable_fs.ts";

/**
 * How much a finding matters. `unknown`: could not be examined. `notice`: worth knowing. `warning`: makes losses or
 * failures more likely. `problem`: breaks a promise, or keeps a program from working.
 */
export type Mark = "ok" | "unknown" | "notice" | "warning" | "problem";

/** The marks by severity, the mildest first. */
const MARKS: Mark[] = ["ok", "unknown", "notice", "warning", "problem"];

/** One line of the report. */
export interface DoctorFinding {
  /** What was examined. */
  check: string;
  mark: Mark;
  /** What was found. */
  found: string;
  /** What that means for the state; present in every warning and problem. */
  meaning?: string;
  /** What to do; present in every warning and problem. */
  advice?: string;
}

/** A fact that could not be obtained. */
export interface Unknown {
  /** The system's name of the reason. */
  unknown: string;
}

/** A fact, or why it could not be obtained. */
export type Fact<T> = T | Unknown;

/** Whether a fact could not be obtained. */
export function isUnknown(fact: unknown): fact is Unknown {
  return typeof fact === "object" && fact !== null && "unknown" in fact;
}

/** Asks for a fact. A refusal by the system makes it unknown; anything else is an error. */
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
export function valueOrNull<T>(fact: Fact<T>): T | null {
  return isUnknown(fact) ? null : fact;
}

/** A finding without remarks. */
export function fine(check: string, found: string): DoctorFinding {
  return { check, mark: "ok", found };
}

/** A finding about something that could not be examined. */
export function unknownFinding(check: string, { unknown }: Unknown): DoctorFinding {
  return { check, mark: "unknown", found: `can't be determined here (${unknown})` };
}

/** The most severe mark. */
export function worstOf(findings: DoctorFinding[]): Mark {
  return MARKS[Math.max(0, ...findings.map(({ mark }) => MARKS.indexOf(mark)))]!;
}

/** Quotes a path for the shell where needed. */
export function shellText(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
