// Runs the board's program on this machine under strace, and checks the rules that no crash on ext4 can show broken.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { binary, type Runtime, runtimes } from "../toolchain.ts";
import { boardProgram } from "./boards.ts";
import { TRACED } from "./trace_read.ts";
import { checkTrace, type TraceFindings, type Violation } from "./trace_rules.ts";

/** What is run, and what must come of it. */
export interface SystemCallPlan {
  runtime: Runtime;
  subject: string;
  /** The rules that must be found broken, and no others; none for the library. */
  broken: readonly Violation["rule"][];
  /** Whether old files must be removed meanwhile: a run without that would prove nothing about it. */
  removes: boolean;
}

/** How one program fared. */
export interface SystemCallRow extends TraceFindings {
  runtime: Runtime;
  subject: string;
  expected: "clean" | "caught";
  asExpected: boolean;
  /** In a few words. */
  detail: string;
  seconds: number;
}

const LIBRARY = ["first-starts", "sequential", "compacting"];
const CONTROLS: Record<string, readonly Violation["rule"][]> = {
  "no-sync": ["bytes", "name"],
  "rename-without-sync": ["bytes", "name", "rename"],
  "no-directory-sync": ["name"],
};

/** Everything that is checked. */
export const SYSTEM_CALL_PLANS: readonly SystemCallPlan[] = [
  ...runtimes.flatMap((runtime) =>
    LIBRARY.map((subject) => ({ runtime, subject, broken: [], removes: subject === "compacting" }))
  ),
  ...Object.entries(CONTROLS).map(([subject, broken]) => ({
    runtime: "bun" as const,
    subject,
    broken,
    removes: false,
  })),
];

/** A run ends after this many mutations, and fails when none came in this time. */
const ACKNOWLEDGED_ENOUGH = 150;
/** The kill can take the end of the trace with it. */
const ACKNOWLEDGED_SEEN_MIN = 100;
const RUN_MS_MAX = 60_000;
const LOOK_MS = 20;

/** Checks the library on every runtime, and the controls. */
export async function checkSystemCalls(
  onRow: (row: SystemCallRow) => void = () => {},
): Promise<SystemCallRow[]> {
  const rows: SystemCallRow[] = [];
  for (const plan of SYSTEM_CALL_PLANS) {
    const started = performance.now();
    const { findings, complaint } = await trace(plan);
    const row = {
      ...judgeFindings(plan, findings, complaint),
      seconds: (performance.now() - started) / 1000,
    };
    rows.push(row);
    onRow(row);
  }
  return rows;
}

/** Says whether a run had the expected result. */
export function judgeFindings(
  { runtime, subject, broken, removes }: SystemCallPlan,
  findings: TraceFindings,
  complaint: string,
): Omit<SystemCallRow, "seconds"> {
  const { acknowledged, removals, violations } = findings;
  const found = [...new Set(violations.map(({ rule }) => rule))].sort();
  const first = violations[0];
  const problem = acknowledged < ACKNOWLEDGED_SEEN_MIN
    ? `only ${acknowledged} acknowledged: ${complaint.trim() || "it was too slow"}`
    : removes && removals === 0
    ? "nothing was removed, so that the rule for removals was not tried"
    : found.join() !== [...broken].sort().join()
    ? `broke ${found.join(", ") || "no rule"}, not ${broken.join(", ") || "none"}`
    : null;
  const shown = first === undefined
    ? "every rule kept"
    : `${first.rule}: "${basename(first.path)}" at line ${first.line} of the trace`;
  return {
    ...findings,
    runtime,
    subject,
    expected: broken.length === 0 ? "clean" : "caught",
    asExpected: problem === null,
    detail: problem === null ? shown : first === undefined ? problem : `${problem} (${shown})`,
  };
}

/** Runs a program under strace until it has done enough, and checks the trace. */
async function trace(
  plan: SystemCallPlan,
): Promise<{ findings: TraceFindings; complaint: string }> {
  // strace shows the real paths of descriptors.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "rig-calls-")));
  const [data, said, log] = ["data", "said", "trace"].map((name) => join(folder, name));
  try {
    mkdirSync(data!);
    writeFileSync(said!, "");
    writeFileSync(log!, "");
    const complaint = await runTraced(plan, { data: data!, said: said!, log: log! });
    return { findings: checkTrace(readFileSync(log!, "utf8"), data!, said!), complaint };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns what strace or the program complained about. */
async function runTraced(
  { runtime, subject }: SystemCallPlan,
  paths: { data: string; said: string; log: string },
): Promise<string> {
  const flags = ["-f", "--seccomp-bpf", "-y", "-s", "400", "-e", `trace=${TRACED.join()}`];
  const program = [
    binary(runtime),
    ...(runtime === "deno" ? ["run", "--quiet", "--allow-all"] : []),
    ...[boardProgram, "write", subject, paths.data],
  ];
  const child = spawn("strace", [...flags, "-o", paths.log, "--", ...program], {
    // A separate group: the traced program survives when only strace is killed.
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, RIG_SAID: paths.said },
  });
  running.add(child);
  let complaint = "";
  let over = false;
  child.stderr.setEncoding("utf8").on("data", (text: string) => complaint += text);
  const ended = new Promise<void>((resolve) => {
    child.on("error", (error) => complaint += `cannot start strace: ${error.message}`);
    child.on("close", () => {
      over = true;
      running.delete(child);
      resolve();
    });
  });
  const deadline = performance.now() + RUN_MS_MAX;
  while (!over && performance.now() < deadline && !hasDoneEnough(paths.said)) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  if (!over) killGroup(child);
  await ended;
  return complaint;
}

function hasDoneEnough(said: string): boolean {
  return readFileSync(said, "utf8").split("\nack ").length > ACKNOWLEDGED_ENOUGH;
}

const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach(killGroup));

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, "SIGKILL");
}
