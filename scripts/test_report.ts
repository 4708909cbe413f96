// Reads what a test runner left of a run: the tests of its report, and failures beyond them.

import { readFileSync } from "node:fs";
import { parseJunit, type TestResult, withoutGroups } from "./junit.ts";
import type { Outcome, Runtime } from "./toolchain.ts";

/** Lists the tests of a report; none where the run crashed before it wrote one. */
export function readReport(path: string, runtime: Runtime): TestResult[] {
  try {
    const found = parseJunit(readFileSync(path, "utf8"));
    return runtime === "deno" ? withoutGroups(found) : found;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

/** Says what went wrong beyond the failed tests, if anything did. */
export function crashOf(
  outcome: Outcome,
  tests: TestResult[],
  failed: number,
): string | undefined {
  if (!outcome.ok && failed === 0) return outcome.reason;
  if (!outcome.ok && !outcome.reason.includes("exit code")) return outcome.reason;
  if (tests.every((test) => test.result === "skipped")) return "reported no test";
  return undefined;
}
