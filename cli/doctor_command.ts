/**
 * `doctor`: checks whether this machine, and the location on it, are suitable for a state.
 *
 * @module
 */

import { checkDirectory } from "../src/disk/names.ts";
import { type Context, remark, say, sayJson } from "./context.ts";
import { examineDirectory } from "./doctor/examine.ts";
import { type DoctorFinding, type Mark, worstOf } from "./doctor/finding.ts";
import { SYNC_TEST_SIZE_MAX } from "./doctor/sync_rounds.ts";
import { EXIT, interruptedCode } from "./exit.ts";
import { countText, type Paint, safeText, sizeText } from "./text.ts";

/** The options of `doctor`. */
export interface DoctorOptions {
  /** Whether to test syncs; true unless `--no-sync-test` is given. */
  syncTest?: boolean;
}

/** The width of the longest mark. */
const MARK_WIDTH = "problem".length;

/** Examines a directory and its machine. The exit code is that of the most severe finding. */
export async function doctor(
  context: Context,
  directory: string,
  options: DoctorOptions,
): Promise<number> {
  const interruption = options.syncTest === false ? null : context.terminal.interruption();
  if (interruption !== null) {
    remark(context, `Writes up to ${sizeText(SYNC_TEST_SIZE_MAX)} to time syncs …`);
  }
  const { findings, ...examination } = await examineDirectory(
    context,
    checkDirectory(directory),
    interruption,
  );
  if (interruption?.aborted) return interruptedCode(interruption);
  const verdict = worstOf(findings);
  if (context.json) sayJson(context, { directory, verdict, ...examination, findings });
  else context.terminal.stdout.write(findingsText(findings, context.paint));
  if (!context.json) say(context, summaryText(findings));
  return {
    ok: EXIT.ok,
    unknown: EXIT.ok,
    notice: EXIT.ok,
    warning: EXIT.incomplete,
    problem: EXIT.corrupt,
  }[verdict];
}

function findingsText(findings: DoctorFinding[], paint: Paint): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const margin = " ".repeat(MARK_WIDTH + width + 4);
  return findings.map(({ check, mark, found, meaning, advice }) =>
    [
      `${markText(mark, paint)}  ${paint.bold(check.padEnd(width))}  ${safeText(found)}`,
      ...(meaning === undefined ? [] : [margin + safeText(meaning)]),
      ...(advice === undefined ? [] : [`${margin}→ ${safeText(advice)}`]),
    ].map((line) => line + "\n").join("")
  ).join("");
}

function markText(mark: Mark, paint: Paint): string {
  const colour = {
    ok: paint.green,
    unknown: paint.dim,
    notice: paint.bold,
    warning: paint.yellow,
    problem: paint.red,
  }[mark];
  return colour(mark.padEnd(MARK_WIDTH));
}

function summaryText(findings: DoctorFinding[]): string {
  const count = (mark: Mark) => findings.filter((finding) => finding.mark === mark).length;
  const notices = count("notice") === 0 ? "" : `, ${countText(count("notice"), "notice")}`;
  return `${countText(count("problem"), "problem")}, ${
    countText(count("warning"), "warning")
  }${notices}`;
}
