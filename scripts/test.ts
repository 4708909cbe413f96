// Runs every test on Deno, Bun and Node: test.ts [part of a file name] [--runtime R] [--name TEXT] [--record].
//
// The counts come from each runner's JUnit report. A runtime that crashes, is missing, or finds no test
// is a failure: nothing is skipped silently. The last line is "N passed, N failed"; arguments that can't be used end it
// with 64 and without that line, for no test has failed.
// With --record, Node's tests leave behind what `npm run coverage -- --recorded` measures.

import { globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import type { TestResult } from "./junit.ts";
import { beginRecord, isRecorded } from "./coverage_record.ts";
import { stdFlags } from "./std.ts";
import { crashOf, readReport } from "./test_report.ts";
import { binary, root, run, runtimes } from "./toolchain.ts";
import type { Outcome, Runtime } from "./toolchain.ts";

// Longer than a single test may take (`--test-timeout`).
const silentMs = 600_000;
const failureLinesMax = 40;
// What .ci/run repeats of a failure holds them all: the last of them says where it stopped.
const crashLinesMax = 20;
const outDir = join(root, "node_modules", ".ministate");

/** Files that one process of a runner is given. */
interface Part {
  runtime: Runtime;
  /** Names its report and its log. */
  name: string;
  files: string[];
  env: Record<string, string>;
}

interface Summary {
  name: string;
  passed: number;
  failed: number;
  skipped: number;
  seconds: number;
}

const usage = `Usage: npm test -- [part of a file name …] [options]

  --runtime R     deno, bun or node alone
  --name TEXT     the tests with that text in their names (under Deno: names of the top level)
  --record        leave behind what "npm run coverage -- --recorded" measures
  --help          this text
`;

const { values, positionals } = readArguments();
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const chosen = runtimes.filter((runtime) =>
  values.runtime === undefined || values.runtime === runtime
);
const files = globSync("test/**/*.test.ts", { cwd: root }).sort()
  .filter((file) => positionals.every((part) => file.includes(part)));
if (chosen.length === 0) stop(`Unknown runtime "${values.runtime}": wanted deno, bun or node`);
if (files.length === 0) {
  stop(
    `No test file matches "${
      positionals.join(" ")
    }": wanted a part of the path of a test/**/*.test.ts`,
  );
}

mkdirSync(outDir, { recursive: true });
const denoFlags = await stdFlags();
// Deno and Bun run one file after the other and so use a core each; Node uses all of them.
const beside = chosen.filter((runtime) => runtime !== "node").map(wholeOf);
const summaries = await Promise.all(beside.map(testOn));
if (chosen.includes("node")) {
  for (const part of values.record ? recordedParts() : [wholeOf("node")]) {
    summaries.push(await testOn(part));
  }
}
printTable(summaries);

function wholeOf(runtime: Runtime): Part {
  return { runtime, name: runtime, files, env: {} };
}

function recordedParts(): Part[] {
  const rest = files.filter((file) => !isRecorded(file));
  const parts: Part[] = [
    { runtime: "node", name: "node", files: files.filter(isRecorded), env: beginRecord() },
    { runtime: "node", name: "node-unrecorded", files: rest, env: {} },
  ];
  // Without a file, Node would look for some itself.
  return parts.filter(({ files }) => files.length > 0);
}

async function testOn({ runtime, name, files, env }: Part): Promise<Summary> {
  const report = join(outDir, `test-${name}.xml`);
  const log = join(outDir, `test-${name}.log`);
  rmSync(report, { force: true });
  console.log(`${name}: ${files.length} files`);
  const outcome = await run(binary(runtime), argumentsOf(runtime, files, report), {
    // For tests that start Deno on a file that imports @std.
    env: { MINISTATE_DENO_FLAGS: denoFlags.join(" "), ...env },
    silentMs,
  });
  writeFileSync(log, outcome.output);
  const tests = readReport(report, runtime);
  const count = (result: TestResult["result"]) => tests.filter((t) => t.result === result).length;
  for (const test of tests) if (test.result === "failed") printFailure(runtime, test);
  let failed = count("failed");
  const crash = crashOf(outcome, tests, failed);
  if (crash !== undefined) {
    failed += 1;
    printCrash(runtime, crash, outcome);
  }
  if (failed > 0) console.log(`\nEverything ${runtime} said: ${relative(root, log)}`);
  const { seconds } = outcome;
  return { name, passed: count("passed"), failed, skipped: count("skipped"), seconds };
}

function argumentsOf(runtime: Runtime, files: string[], report: string): string[] {
  const { name } = values;
  if (runtime === "deno") {
    const filter = name === undefined ? [] : ["--filter", name];
    // Types are checked by `npm run check`, for three runtimes at once.
    const flags = ["-A", "--no-prompt", "--no-check", ...denoFlags];
    return ["test", ...flags, `--junit-path=${report}`, ...filter, ...files];
  }
  const pattern = name === undefined ? [] : [`--test-name-pattern=${literal(name)}`];
  if (runtime === "bun") {
    // Without `--timeout` Bun ends every test after 5 s, which the others don't.
    const flags = ["--timeout=300000", "--reporter=junit", `--reporter-outfile=${report}`];
    return ["test", ...flags, ...pattern, ...files.map((file) => `./${file}`)];
  }
  const spec = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
  const junit = ["--test-reporter=junit", `--test-reporter-destination=${report}`];
  const flags = ["--test-timeout=300000", `--test-concurrency=${availableParallelism()}`];
  return ["--test", ...flags, ...spec, ...junit, ...pattern, ...files];
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function printFailure(runtime: Runtime, test: TestResult): void {
  const lines = test.detail.split("\n");
  console.log(`\nFAILED on ${runtime}: ${test.name}`);
  console.log(lines.slice(0, failureLinesMax).map((line) => `  ${line}`).join("\n"));
  if (lines.length > failureLinesMax) {
    console.log(`  … ${lines.length - failureLinesMax} lines more`);
  }
}

function printCrash(runtime: Runtime, crash: string, outcome: Outcome): void {
  console.log(`\nFAILED on ${runtime}: the test run ${crash}. The end of what it said:`);
  const lines = outcome.output.trimEnd().split("\n").slice(-crashLinesMax);
  console.log(lines.map((line) => `  ${line}`).join("\n"));
}

function printTable(rows: Summary[]): void {
  console.log(
    `\n${"runtime".padEnd(16)}${"passed".padStart(8)}${"failed".padStart(8)}${
      "skipped".padStart(9)
    }${"seconds".padStart(9)}`,
  );
  for (const row of rows) {
    const cells = [row.passed, row.failed].map((count) => String(count).padStart(8)).join("");
    const rest = `${String(row.skipped).padStart(9)}${row.seconds.toFixed(1).padStart(9)}`;
    console.log(`${row.name.padEnd(16)}${cells}${rest}`);
  }
  const total = (key: "passed" | "failed") => rows.reduce((sum, row) => sum + row[key], 0);
  console.log(`\n${total("passed")} passed, ${total("failed")} failed`);
  process.exitCode = total("failed") === 0 ? 0 : 1;
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        runtime: { type: "string" },
        name: { type: "string" },
        record: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    return stop(`${(error as Error).message}\n\n${usage}`);
  }
}

/** Ends the run before any test. */
function stop(message: string): never {
  console.error(message);
  process.exit(64);
}
