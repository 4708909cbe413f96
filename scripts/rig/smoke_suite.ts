// Runs the core of the test suite on a runtime for arm64, which QEMU runs on this kernel, and counts as `npm test` does.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { crashOf, readReport } from "../test_report.ts";
import { root, run } from "../toolchain.ts";
import type { BoardRuntime } from "./cut.ts";
import { cacheFolder } from "./packages.ts";

/** How the tests went. */
export interface SuiteResult {
  runtime: BoardRuntime;
  passed: number;
  failed: number;
  skipped: number;
  /** The names of those that failed, and what else went wrong. */
  problems: string[];
  seconds: number;
}

/**
 * What depends on the machine: real files, locks against other processes, files of earlier versions byte for byte.
 * What is the same wherever numbers are added is left out, for an emulated processor takes minutes for it.
 */
const FILES = [
  "test/runtime/runtime_fs_conformance.test.ts",
  "test/golden/golden.test.ts",
  "test/recovery/recovery_table.test.ts",
];

/** Runs the tests on a runtime that is started with the words of `command`; Deno's options for `@std` are `std`. */
export async function runSuite(
  runtime: BoardRuntime,
  command: readonly string[],
  std: readonly string[],
): Promise<SuiteResult> {
  const folder = join(cacheFolder, "smoke");
  mkdirSync(folder, { recursive: true });
  const report = join(folder, `${runtime}.xml`);
  rmSync(report, { force: true });
  const args = runtime === "deno"
    ? ["test", "-A", "--no-prompt", "--no-check", ...std, `--junit-path=${report}`, ...FILES]
    : [
      ...["test", "--timeout=300000", "--reporter=junit", `--reporter-outfile=${report}`],
      ...FILES.map((file) => `./${file}`),
    ];
  const outcome = await run(command[0]!, [...command.slice(1), ...args], {
    cwd: root,
    env: { MINISTATE_DENO_FLAGS: std.join(" ") },
    timeoutMs: 600_000,
  });
  const tests = readReport(report, runtime);
  const of = (result: string) => tests.filter((test) => test.result === result);
  const problems = of("failed").map(({ name, detail }) => `${name}: ${detail}`);
  const crash = crashOf(outcome, tests, problems.length);
  if (crash !== undefined) problems.push(`the run ${crash}: ${outcome.output.trim().slice(-2000)}`);
  return {
    runtime,
    passed: of("passed").length,
    failed: problems.length,
    skipped: of("skipped").length,
    problems,
    seconds: outcome.seconds,
  };
}
