// Measures which lines and branches of the product the tests execute, and fails unless it is all of them.
//
// Node measures everything that it can load: the tests run on it, with the programs they start. What only another
// runtime can run is measured there: runtime/deno_fs.ts under Deno, runtime/bun_flock.ts under Bun, and for each the
// lines that choose it. A test that fails fails the measure, too: what it would have executed
// is unknown. Code that no test can reach is excused in place, with its reason after two hyphens:
// `/* v8 ignore next -- why */`. The reports (node/lcov.info, node/coverage-report.json, deno.lcov, bun.lcov)
// are in node_modules/.ministate/coverage. The last line is "N passed, N failed", one for each file.
// With --recorded, Node's tests are those that `npm test -- --record` ran before, and they aren't run again.

import { existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { measureLcov, measureUnloaded, measureV8, vouch } from "./coverage_measure.ts";
import type { FileMeasure } from "./coverage_measure.ts";
import { readLcov } from "./coverage_lcov.ts";
import type { LcovFile } from "./coverage_lcov.ts";
import {
  beginRecord,
  coverageDir as outDir,
  isRecorded,
  recordBegan,
  recordDir,
} from "./coverage_record.ts";
import { stdFlags } from "./std.ts";
import { binary, root, run } from "./toolchain.ts";
import type { Runtime } from "./toolchain.ts";

const timeoutMs = 600_000;
const failureLinesMax = 60;

/** The tests of what only Deno and only Bun run: files, locks, permissions. */
const runtimeTests = [
  "test/runtime/runtime_fs_conformance.test.ts",
  "test/runtime/deno_permissions.test.ts",
  "test/runtime/edge_cases.test.ts",
];

const { values } = parseArgs({ options: { recorded: { type: "boolean", default: false } } });
const paths = globSync("{src,runtime,testing,cli}/**/*.ts", { cwd: root }).sort();
let failed = 0;

const denoFlags = await stdFlags();
if (!values.recorded) await recordNode();
else if (!existsSync(recordDir)) stop('Nothing is recorded: run "npm test -- --record" first');
// A file that was changed meanwhile would be measured by what another text did.
const began = recordBegan();
const node = await measureV8(recordDir, join(outDir, "node"), paths);
// Hundreds of megabytes that say no more than the reports.
rmSync(recordDir, { recursive: true });
const others = [await runDeno(), await runBun()];
refuseChanged();
const measures = paths.map(measureOf).filter((measure) => measure !== undefined);
printTable(measures);
printExcuses();
for (const measure of measures) printGaps(measure);
const incomplete = measures.filter((measure) => !isComplete(measure)).length;
console.log(`\n${measures.length - incomplete} passed, ${incomplete + failed} failed`);
process.exitCode = incomplete + failed === 0 ? 0 : 1;

function stop(message: string): never {
  console.log(`${message}\n0 passed, 1 failed`);
  process.exit(1);
}

async function recordNode(): Promise<void> {
  const files = globSync("test/**/*.test.ts", { cwd: root }).sort().filter(isRecorded);
  const flags = ["--test", "--test-timeout=300000", `--test-concurrency=${availableParallelism()}`];
  await runTests("node", [...flags, "--test-reporter=dot", ...files], files, {
    ...beginRecord(),
    MINISTATE_DENO_FLAGS: denoFlags.join(" "),
  });
}

async function runDeno(): Promise<Map<string, LcovFile>> {
  const raw = join(outDir, "deno");
  const report = join(outDir, "deno.lcov");
  const flags = ["--no-check", ...denoFlags, `--coverage=${raw}`, "--coverage-raw-data-only"];
  await runTests("deno", ["test", "-A", "--no-prompt", ...flags, ...runtimeTests], runtimeTests, {
    MINISTATE_DENO_FLAGS: [...denoFlags, `--coverage=${raw}`].join(" "),
  });
  const wanted = `--include=^file://${root}/(src|runtime|testing|cli)/`;
  const outcome = await run(binary("deno"), [
    "coverage",
    "--quiet",
    "--lcov",
    wanted,
    `--output=${report}`,
    raw,
  ]);
  if (!outcome.ok) throw new Error(`deno coverage ${outcome.reason}:\n${outcome.output}`);
  rmSync(raw, { recursive: true });
  return readLcov(report, root);
}

async function runBun(): Promise<Map<string, LcovFile>> {
  const raw = join(outDir, "bun");
  const flags = ["--timeout=300000", "--coverage", "--coverage-reporter=lcov"];
  const files = runtimeTests.map((file) => `./${file}`);
  await runTests("bun", ["test", ...flags, `--coverage-dir=${raw}`, ...files], files, {});
  const report = join(outDir, "bun.lcov");
  writeFileSync(report, readFileSync(join(raw, "lcov.info")));
  rmSync(raw, { recursive: true });
  return readLcov(report, root);
}

async function runTests(
  runtime: Runtime,
  args: string[],
  files: string[],
  env: Record<string, string>,
): Promise<void> {
  const { ok, output, reason, seconds } = await run(binary(runtime), args, { env, timeoutMs });
  console.log(`${runtime}: ${files.length} test files, ${seconds.toFixed(1)} s`);
  if (ok) return;
  failed += 1;
  const lines = output.trimEnd().split("\n").slice(-failureLinesMax);
  console.log(`FAILED: the tests on ${runtime} ${reason}. The end of what they said:`);
  console.log(lines.map((line) => `  ${line}`).join("\n"));
}

/** What ran and what is measured must be the same text. */
function refuseChanged(): void {
  const changed = paths.filter((path) => statSync(join(root, path)).mtimeMs > began);
  if (changed.length === 0) return;
  failed += 1;
  console.log(`FAILED: changed meanwhile, so that this measure is wrong: ${changed.join(", ")}`);
}

function measureOf(path: string): FileMeasure | undefined {
  const measure = node.get(path);
  if (measure !== undefined) {
    for (const other of others) if (other.has(path)) vouch(measure, other.get(path)!);
    return measure;
  }
  const only = others.find((other) => other.has(path));
  return only === undefined ? measureUnloaded(path) : measureLcov(path, only.get(path)!);
}

function isComplete({ lines, branches }: FileMeasure): boolean {
  return [...lines.values()].every(Boolean) && branches.every(({ taken }) => taken);
}

function printTable(measures: FileMeasure[]): void {
  const width = Math.max(...measures.map(({ path }) => path.length)) + 2;
  console.log(`\n${"file".padEnd(width)}${"lines".padStart(9)}${"branches".padStart(10)}`);
  const row = (name: string, lines: boolean[], branches: boolean[]) =>
    console.log(
      name.padEnd(width) + percent(lines).padStart(9) + percent(branches).padStart(10),
    );
  const ways = ({ branches }: FileMeasure) => branches.map(({ taken }) => taken);
  for (const one of measures) row(one.path, [...one.lines.values()], ways(one));
  row("all", measures.flatMap(({ lines }) => [...lines.values()]), measures.flatMap(ways));
}

function percent(all: boolean[]): string {
  if (all.length === 0) return "–";
  const covered = all.filter(Boolean).length;
  // Rounded down: 100 % is said only of what is complete.
  return `${(Math.floor(1000 * covered / all.length) / 10).toFixed(1)} %`;
}

function printGaps({ path, lines, branches }: FileMeasure): void {
  const gaps = [
    ...[...lines].filter(([, ran]) => !ran).map(([line]) => ({ line, says: "never executed" })),
    ...branches.filter(({ taken }) => !taken),
  ].sort((a, b) => a.line - b.line);
  if (gaps.length > 0) console.log("");
  for (const { line, says } of gaps) console.log(`FAILED ${path}:${line}: ${says}`);
}

/** Lists what is excused; an excuse without a reason is a failure. */
function printExcuses(): void {
  for (const path of paths) {
    readFileSync(join(root, path), "utf8").split("\n").forEach((text, index) => {
      const [, reason] = /(?:[vc]8 ignore|coverage-ignore|node:coverage)(.*)/.exec(text) ?? [];
      if (reason === undefined || /^ stop\b|-stop\b/.test(reason)) return;
      const why = / -- (.+?)(?: \*\/.*)?$/.exec(reason)?.[1];
      console.log(`${path}:${index + 1}: excused: ${why ?? "FAILED, no reason is given"}`);
      if (why === undefined) failed += 1;
    });
  }
}
