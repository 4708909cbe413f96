// Keeps what is needed to examine a failed crash state again: the card's log, the console, and the judgement.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "../toolchain.ts";
import type { Cut } from "./cut.ts";
import type { CrashState, Examination } from "./examine.ts";
import { loadLog, saveLog } from "./write_log.ts";

const folder = join(root, "dist", "rig", "failures");

/** What is written beside the log. */
interface Evidence {
  examination: Omit<Examination, "saved">;
  state: CrashState;
  detail: string;
}

/** Writes the evidence of a failed state. Returns the command that shows it again. */
export function keepFailure(
  name: string,
  cut: Cut,
  { saved, ...examination }: Examination,
  state: CrashState & { detail: string },
): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  saveLog(join(path, "card"), saved);
  writeFileSync(join(path, "console.txt"), cut.console);
  const evidence: Evidence = {
    examination,
    state: { moment: state.moment, seed: state.seed },
    detail: state.detail,
  };
  writeFileSync(join(path, "failure.json"), JSON.stringify(evidence, null, 1) + "\n");
  return `npm run rig -- --replay ${relative(root, path)}`;
}

/** Reads the evidence again. */
export function loadFailure(path: string): { examination: Examination; state: CrashState } {
  const { examination, state }: Evidence = JSON.parse(
    readFileSync(join(path, "failure.json"), "utf8"),
  );
  return { examination: { ...examination, saved: loadLog(join(path, "card")) }, state };
}
