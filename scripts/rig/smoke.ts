// A quick look whether the library works on arm64 at all: no board, only programs for arm64 that QEMU runs on this kernel.
//
// One state directory goes to and fro between the command compiled with Bun, the command bundled for Deno, and this
// machine's own Bun: it must look the same to all three. Then the core of the test suite runs on both runtimes.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../compile/bundle.ts";
import { compileWithBun } from "../compile/bun.ts";
import { stdFlags } from "../std.ts";
import { binary, root, run } from "../toolchain.ts";
import { pinnedVersion } from "./boards.ts";
import type { BoardRuntime } from "./cut.ts";
import { cacheFolder, fetchFromNpm, type GuestFiles } from "./packages.ts";
import { runSuite, type SuiteResult } from "./smoke_suite.ts";

/** One call of the command, and who ran it. */
export interface SmokeStep {
  who: Who;
  /** The command's arguments, the directory left out. */
  command: string;
  /** What is wrong, or `null`. */
  problem: string | null;
  seconds: number;
}

/** What came of it. */
export interface SmokeResult {
  steps: SmokeStep[];
  suites: SuiteResult[];
  /** Steps and tests together. */
  passed: number;
  failed: number;
  seconds: number;
}

type Who = "bun arm64" | "deno arm64" | "bun here";

/** How a program is started: the words before its own arguments. */
type Command = readonly string[];

/** Who does what with the directory, and what must be printed. Each reads what another wrote. */
const STEPS: readonly [who: Who, command: string[], printed: RegExp][] = [
  ["bun arm64", ["set", "/name", '"kitchen"'], /^sequence 1$/m],
  ["deno arm64", ["get", "/name"], /^"kitchen"$/m],
  ["deno arm64", ["set", "/celsius", "21.5"], /^sequence 2$/m],
  ["deno arm64", ["verify"], /^sound: .* up to sequence 2$/m],
  ["bun arm64", ["log", "--json"], /"sequence":1,[^]*\n.*"sequence":2,/],
  ["bun arm64", ["get", "/celsius"], /^21\.5$/m],
  ["bun here", ["verify"], /^sound: .* up to sequence 2$/m],
  ["bun here", ["set", "/lamps", "[true]"], /^sequence 3$/m],
  ["bun arm64", ["verify"], /^sound: .* up to sequence 3$/m],
  ["deno arm64", ["log", "--json"], /"sequence":3,/],
  ["bun here", ["get"], /"name": "kitchen",\s+"celsius": 21.5,\s+"lamps": \[\s*true\s*\]/],
];

/** Runs everything. */
export async function runSmoke(
  files: GuestFiles,
  onStep: (step: SmokeStep | SuiteResult) => void = () => {},
): Promise<SmokeResult> {
  const started = performance.now();
  const emulator = ["qemu-aarch64-static", "-L", files.tree];
  const runtimes: Record<BoardRuntime, Command> = {
    bun: [
      ...emulator,
      fetchFromNpm("@oven/bun-linux-aarch64", pinnedVersion("bun"), "bin/bun"),
    ],
    deno: [
      ...emulator,
      fetchFromNpm("@deno/linux-arm64-glibc", pinnedVersion("deno"), "deno"),
    ],
  };
  const std = await stdFlags();
  const suites: SuiteResult[] = [];
  const suite = async (runtime: BoardRuntime) => {
    suites.push(await runSuite(runtime, runtimes[runtime], std));
    onStep(suites.at(-1)!);
  };
  // Deno's takes about as long as all the others together.
  const [steps] = await Promise.all([
    passAround(emulator, runtimes.deno, onStep)
      .then((steps) => suite("bun").then(() => steps)),
    suite("deno"),
  ]);
  const bad = steps.filter(({ problem }) => problem !== null).length;
  return {
    steps,
    suites,
    passed: steps.length - bad + suites.reduce((sum, { passed }) => sum + passed, 0),
    failed: bad + suites.reduce((sum, { failed }) => sum + failed, 0),
    seconds: (performance.now() - started) / 1000,
  };
}

/** Builds the command both ways, and lets all of them work on one directory. */
async function passAround(
  emulator: Command,
  deno: Command,
  onStep: (step: SmokeStep) => void,
): Promise<SmokeStep[]> {
  const folder = join(cacheFolder, "smoke");
  mkdirSync(folder, { recursive: true });
  const [compiled, bundled] = [join(folder, "ministate"), join(folder, "ministate.js")];
  const entry = join(root, "cli.ts");
  await compileWithBun({ entry, target: "aarch64-unknown-linux-gnu", output: compiled });
  await bundle(entry, bundled);
  const state = mkdtempSync(join(tmpdir(), "rig-smoke-"));
  const may = [`--allow-read=${state}`, `--allow-write=${state}`, "--allow-env"];
  const commands: Record<Who, Command> = {
    "bun arm64": [...emulator, compiled],
    "deno arm64": [...deno, "run", "--quiet", "--no-prompt", ...may, bundled],
    "bun here": [binary("bun"), entry],
  };
  const steps: SmokeStep[] = [];
  try {
    for (const [who, [name, ...args], printed] of STEPS) {
      const words = [...commands[who], name!, state, ...args];
      const outcome = await run(words[0]!, words.slice(1));
      const asExpected = outcome.ok && printed.test(outcome.output);
      const said = outcome.output.trim() || "nothing";
      steps.push({
        who,
        command: [name, ...args].join(" "),
        problem: asExpected ? null : `${outcome.reason || `not ${printed}`}: ${said}`,
        seconds: outcome.seconds,
      });
      onStep(steps.at(-1)!);
    }
  } finally {
    rmSync(state, { recursive: true });
  }
  return steps;
}
