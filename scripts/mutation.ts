// Changes src/ in thousands of small ways, one at a time, and lists the changes that no test notices:
// mutation.ts [folder or file in src …] [--share N] [--quick].
//
// Stryker makes the changes, on a copy of the tree. Every mutant meets the quick tests; what survives them meets the
// thorough ones too. `--share 4` tries every fourth mutant, always the same; `--quick` leaves the thorough tests out.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { isChosen, type Mutant, nameOf } from "./mutation/sample.ts";
import { installBeside } from "./side_install.ts";
import { binary, root } from "./toolchain.ts";

const FOLDERS = ["recovery", "journal", "snapshot", "format", "state"];
const out = join(root, "dist", "mutation");

/** What Stryker's report says of a mutant; places count from 1. */
interface Reported extends Omit<Mutant, "fileName"> {
  status: "Killed" | "Survived" | "Timeout" | "NoCoverage" | "RuntimeError" | "Ignored";
  statusReason?: string;
}

interface Tried {
  file: string;
  /** The mutant's name to the runner. */
  name: string;
  /** What a person reads: where it is, and what it puts there. */
  shown: string;
  status: Reported["status"];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { share: { type: "string", default: "1" }, quick: { type: "boolean", default: false } },
});
const unknown = positionals.find((part) => !existsSync(join(root, "src", part)));
if (unknown !== undefined) stop(`No folder or file src/${unknown}`);
if (!/^[1-9]\d*$/.test(values.share)) stop("--share wants a whole number from 1 on");
process.env.MINISTATE_MUTATION_SHARE = values.share;

const installed = installBeside("mutation");
mkdirSync(out, { recursive: true });
const parts = positionals.length > 0 ? positionals : FOLDERS;
const tried = new Map<string, Tried>();
const patterns = parts.map((part) => part.endsWith(".ts") ? `src/${part}` : `src/${part}/**/*.ts`);
for (const mutant of run("quick", patterns)) tried.set(mutant.name, mutant);
if (!values.quick) tryAgain();
summarize();

/** Those that survived, with the thorough tests. */
function tryAgain(): void {
  const left = [...tried.values()].filter(isLeft);
  if (left.length === 0) return;
  const only = join(out, "left.json");
  writeFileSync(only, JSON.stringify(left.map(({ name }) => name)));
  const files = [...new Set(left.map(({ file }) => file))];
  for (const mutant of run("thorough", files, only)) tried.set(mutant.name, mutant);
}

function isLeft({ status }: Tried): boolean {
  return status === "Survived" || status === "NoCoverage";
}

/** Runs Stryker on files, and gives the mutants that were tried. */
function run(tests: "quick" | "thorough", mutate: string[], only = ""): Tried[] {
  const temporary = mkdtempSync(join(tmpdir(), "ministate-mutation-"));
  const report = join(out, `${tests}.json`);
  const config = join(temporary, "stryker.config.json");
  rmSync(report, { force: true });
  writeFileSync(config, JSON.stringify(configOf(mutate, report, temporary, tests)));
  const stryker = join(installed, "node_modules", "@stryker-mutator", "core", "bin", "stryker.js");
  const { status } = spawnSync(binary("node"), [stryker, "run", config], {
    cwd: root,
    env: { ...process.env, MINISTATE_MUTATION: tests, MINISTATE_MUTATION_ONLY: only },
    stdio: "inherit",
  });
  rmSync(temporary, { recursive: true, force: true });
  if (status !== 0 || !existsSync(report)) stop(`Stryker failed with exit code ${status}`);
  return readReport(report, only === "" ? null : new Set(JSON.parse(readFileSync(only, "utf8"))));
}

function configOf(mutate: string[], report: string, temporary: string, tests: string): object {
  return {
    testRunner: "collected",
    plugins: ["./scripts/mutation/runner.ts"],
    coverageAnalysis: "perTest",
    mutate,
    // Messages and labels, nearly all of them; the format's own strings are held by the golden files.
    mutator: { excludedMutations: ["StringLiteral"] },
    ignorePatterns: ["dist", "docs", "bench", "examples"],
    // The file that there is can only be read by a TypeScript older than ours.
    tsconfigFile: "none.json",
    concurrency: 2,
    // Loops that Stryker can't count; all others end by the runner's own limits.
    timeoutMS: 10_000,
    timeoutFactor: tests === "quick" ? 0 : 3,
    dryRunTimeoutMinutes: 60,
    reporters: ["progress-append-only", "json"],
    jsonReporter: { fileName: report },
    tempDirName: join(temporary, "sandbox"),
    cleanTempDir: "always",
    allowConsoleColors: false,
  };
}

function readReport(path: string, only: Set<string> | null): Tried[] {
  const { files } = JSON.parse(readFileSync(path, "utf8")) as {
    files: Record<string, { mutants: Reported[] }>;
  };
  return Object.entries(files).flatMap(([file, { mutants }]) =>
    mutants
      .filter(({ status, statusReason }) => status !== "Ignored" && statusReason !== "not chosen")
      .map((reported) => ({ reported, mutant: asInRunner(file, reported) }))
      // Those that no test reaches never got to the runner, which chooses the others.
      .filter(({ mutant }) => isChosen(mutant) && (only === null || only.has(nameOf(mutant))))
      .map(({ reported, mutant }) => ({
        file,
        name: nameOf(mutant),
        shown: nameOf({ ...reported, fileName: file }),
        status: reported.status,
      }))
  );
}

/** In the runner, lines and columns count from 0. */
function asInRunner(fileName: string, { location, ...reported }: Reported): Mutant {
  const { start, end } = location;
  const from0 = ({ line, column }: typeof start) => ({ line: line - 1, column: column - 1 });
  return { ...reported, fileName, location: { start: from0(start), end: from0(end) } };
}

function summarize(): void {
  const all = [...tried.values()];
  const lines = [
    "| folder | mutants | killed | timeout | survived | not reached | not run | score |",
    "| --- | --: | --: | --: | --: | --: | --: | --: |",
    ...parts.map((part) => rowOf(`src/${part}`, all.filter(isIn(part)))),
    rowOf("all", all),
    "",
    ...all.filter(isLeft).map(({ shown, status }) => `- ${status}: \`${shown}\``),
  ];
  const path = join(out, "summary.md");
  writeFileSync(path, lines.join("\n") + "\n");
  console.log(`\n${lines.join("\n")}\n\nWritten to ${path}`);
}

function isIn(part: string): (mutant: Tried) => boolean {
  return ({ file }) => file === `src/${part}` || file.startsWith(`src/${part}/`);
}

function rowOf(name: string, mutants: Tried[]): string {
  const count = (status: Reported["status"]) => mutants.filter((m) => m.status === status).length;
  const [killed, timeout] = [count("Killed"), count("Timeout")];
  const notRun = count("RuntimeError");
  const score = (100 * (killed + timeout)) / (mutants.length - notRun);
  const cells = [name, mutants.length, killed, timeout, count("Survived"), count("NoCoverage")];
  return `| ${[...cells, notRun, `${score.toFixed(1)} %`].join(" | ")} |`;
}

function stop(message: string): never {
  console.error(message);
  process.exit(1);
}
