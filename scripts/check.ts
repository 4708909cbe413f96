// Runs every check that is not a test and reports each: formatting, lint, types, documents, publishing.
//
// Nothing here needs JSR: what the package exports imports only itself and npm packages, and for the
// examples `@std` comes from scripts/std.ts. The last line is "N passed, N failed".

import { existsSync, globSync, readFileSync } from "node:fs";
import process from "node:process";
import { withoutExample } from "./examples/collect.ts";
import { stdFlags } from "./std.ts";
import { binary, root, run, runtimes } from "./toolchain.ts";
import type { Outcome } from "./toolchain.ts";

interface Check {
  name: string;
  command: string;
  args: string[];
  /** Finds what the exit code doesn't show: returns the problem, or an empty string. */
  inspect?: (output: string) => string;
}

const outputLinesMax = 80;
const config = JSON.parse(readFileSync(`${root}/deno.json`, "utf8"));
const exported = Object.values<string>(config.exports);
const std = await stdFlags();

const deno = binary("deno");
const node = binary("node");
const tsc = "node_modules/typescript/bin/tsc";
const folders = [
  "src",
  "runtime",
  "testing",
  "cli",
  "simulation",
  "test",
  "scripts",
  "bench",
  "examples",
];
// Files only for Bun name Bun's types, which Deno doesn't have.
const sources = globSync(["*.ts", ...folders.map((folder) => `${folder}/**/*.ts`)], { cwd: root })
  .filter((path) => !path.startsWith("runtime/bun_") && !path.endsWith(".d.ts"));
// Modules with examples, and the documents that have TypeScript in them.
const documents = [
  ...exported,
  ...globSync("{src,runtime,testing,cli}/**/*.ts", { cwd: root })
    .filter((path) =>
      sources.includes(path) && readFileSync(`${root}/${path}`, "utf8").includes("```ts")
    ),
  ...globSync(["README.md", "docs/**/*.md"], { cwd: root })
    .filter((path) => readFileSync(`${root}/${path}`, "utf8").includes("```ts")),
];

const checks: Check[] = [
  { name: "format", command: deno, args: ["fmt", "--check"] },
  { name: "lint", command: deno, args: ["lint"] },
  { name: "types for Deno", command: deno, args: ["check", ...std, ...sources] },
  { name: "types for Node", command: node, args: [tsc, "-p", "tsconfig.json"] },
  { name: "types for Bun", command: node, args: [tsc, "-p", "tsconfig.bun.json"] },
  {
    name: "types for strict programs",
    command: node,
    args: [tsc, "-p", "test/types/tsconfig.json"],
  },
  { name: "documentation of every export", command: deno, args: ["doc", "--lint", ...exported] },
  {
    name: "an example for every public function, class and method",
    command: deno,
    args: ["doc", "--quiet", "--json", ...exported],
    inspect: inspectShown,
  },
  {
    name: "types of the examples",
    command: deno,
    args: ["check", "--doc-only", ...std, ...documents],
  },
  ...runtimes.map((runtime) => ({
    name: `examples in docstrings and documents on ${runtime}`,
    command: node,
    args: ["scripts/examples.ts", runtime],
  })),
  {
    name: "publish, dry run",
    command: deno,
    args: ["publish", "--dry-run", "--allow-dirty"],
    inspect: inspectPublished,
  },
  { name: "house rules", command: node, args: ["scripts/tidy.ts"] },
];

let failed = 0;
for (const check of checks) if (!await passes(check)) failed += 1;
console.log(`\n${checks.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function passes(check: Check): Promise<boolean> {
  const outcome = await run(check.command, check.args);
  const problem = outcome.ok ? check.inspect?.(outcome.output) ?? "" : outcome.reason;
  const verdict = problem === "" ? "ok    " : "FAILED";
  const line = `${verdict} ${check.name} (${outcome.seconds.toFixed(1)} s)`;
  console.log(problem === "" ? line : `${line}: ${problem}\n${excerpt(outcome)}`);
  return problem === "";
}

function inspectShown(output: string): string {
  const lacking = withoutExample(output);
  return lacking.length === 0 ? "" : `no @example: ${lacking.join(", ")}`;
}

/** The package must hold its exports, both licenses and the documents, and nothing of ours beside. */
function inspectPublished(output: string): string {
  const files = [...output.matchAll(/^\s+file:\/\/(\S+) \(/gm)]
    .map((match) => decodeURIComponent(match[1] ?? "").slice(root.length + 1));
  const wanted = exported.map((path) => path.replace("./", ""));
  for (const name of [...wanted, "README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"]) {
    if (existsSync(`${root}/${name}`) && files.includes(name)) continue;
    return `"${name}" would not be published`;
  }
  const unwanted = files.find((path) => /^(test|scripts|bench|examples|node_modules)\//.test(path));
  return unwanted === undefined ? "" : `"${unwanted}" would be published`;
}

function excerpt(outcome: Outcome): string {
  // Deno's documentation tool warns about types of npm packages, hundreds of lines that don't matter here.
  const lines = outcome.output.trimEnd()
    .replace(/^Warning Failed resolving types.*\n\s+at .*\n?/gm, "")
    .replace(/^Check \S+\n/gm, "")
    .split("\n");
  const shown = lines.slice(0, outputLinesMax).map((line) => `  ${line}`).join("\n");
  const left = lines.length - outputLinesMax;
  return left > 0 ? `${shown}\n  … ${left} lines more` : shown;
}
