/**
 * A test runner for Stryker that keeps all tests loaded in one process, so that a mutant costs milliseconds.
 *
 * Stryker's own runners start a process for every mutant and test file. Here `node:test` is replaced by a
 * collector, the test files are imported once, and each mutant runs the tests that reach it, quick ones first.
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { type Collected, collected } from "./collect.ts";
import { isChosen, type Mutant } from "./sample.ts";
import { isWanted, testFiles, thorough } from "./tests.ts";

/** What Stryker's instrumented code looks at. */
interface Instrumented {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: unknown;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
}

interface RunOptions {
  testFilter?: string[];
  hitLimit?: number;
  activeMutant?: Mutant;
  mutantActivation?: "runtime" | "static";
}

interface TestResult {
  id: string;
  name: string;
  status: "success" | "failed";
  failureMessage?: string;
  timeSpentMs: number;
}

const COLLECTOR = new URL("./collect.ts", import.meta.url).href;
const TIMES = "mutation-times.json";
/** A mutant may leave a promise unsettled forever. Then nothing is computed; Stryker's own time limit is for loops. */
const IDLE_CHECK_MS = 1000;
const IDLE_CHECKS_MAX = 4;
const IDLE_CPU_MAX_MS = 4;
const HIT_SHARE = 3 / 100;
const QUICK_CPU_MAX_MS = 2500;

const world = ((globalThis as { __stryker__?: Instrumented }).__stryker__ ??= {});

/** Stryker makes one per process. */
export class CollectedTests {
  #tests: Map<string, Collected> | null = null;

  /** A mutant that acts while modules load needs a new process. */
  capabilities(): { reloadEnvironment: boolean } {
    return { reloadEnvironment: false };
  }

  async dryRun(): Promise<unknown> {
    const tests = await this.#load();
    const results: TestResult[] = [];
    for (const [id, test] of tests) {
      world.currentTestId = id;
      results.push(await runTest(id, test));
    }
    world.currentTestId = undefined;
    const times = Object.fromEntries(
      results.map(({ id, timeSpentMs }) => [id, timeSpentMs]),
    );
    writeFileSync(TIMES, JSON.stringify(times));
    return {
      status: "complete",
      tests: results,
      mutantCoverage: world.mutantCoverage,
    };
  }

  async mutantRun(options: RunOptions): Promise<unknown> {
    // "No result" in Stryker's terms: such a mutant counts neither for nor against.
    if (!isChosen(options.activeMutant!)) {
      return { status: "error", errorMessage: "not chosen" };
    }
    if (options.mutantActivation === "static") {
      world.activeMutant = options.activeMutant!.id;
    }
    let tests: Map<string, Collected>;
    try {
      tests = await this.#load();
    } catch (error) {
      return {
        status: "killed",
        killedBy: ["loading"],
        failureMessage: `${error}`,
        nrOfTests: 0,
      };
    }
    world.activeMutant = options.activeMutant!.id;
    // Stryker allows a hundred times the hits of all tests together; for one test, three times that sum is a loop.
    world.hitLimit = Math.ceil((options.hitLimit ?? Infinity) * HIT_SHARE);
    const before = process.cpuUsage();
    let nrOfTests = 0;
    for (const id of quickFirst(options.testFilter ?? [...tests.keys()])) {
      if (isOver(before)) break;
      nrOfTests++;
      world.hitCount = 0;
      const { status, failureMessage } = await runTest(id, tests.get(id)!);
      if (world.hitCount > world.hitLimit) {
        return { status: "timeout", reason: "hit limit" };
      }
      if (status === "failed") {
        return { status: "killed", killedBy: [id], failureMessage, nrOfTests };
      }
    }
    return { status: "survived", nrOfTests };
  }

  async #load(): Promise<Map<string, Collected>> {
    if (this.#tests !== null) return this.#tests;
    registerHooks({
      resolve: (specifier, context, next) =>
        specifier === "node:test"
          ? { url: COLLECTOR, shortCircuit: true }
          : next(specifier, context),
    });
    // Any seed will do, as long as every mutant gets the same one.
    process.env.MINISTATE_TEST_SEED ??= "20260101";
    const tests = new Map<string, Collected>();
    for (const file of testFiles()) {
      const before = collected.length;
      await import(pathToFileURL(join(process.cwd(), file)).href);
      for (const test of collected.slice(before)) {
        if (isWanted(test.name)) tests.set(`${file}: ${test.name}`, test);
      }
    }
    this.#tests = tests;
    return tests;
  }
}

/** Whether a mutant has used up its time. One that survives until then is left to the thorough tests. */
function isOver(before: NodeJS.CpuUsage): boolean {
  const { user, system } = process.cpuUsage(before);
  return !thorough && (user + system) / 1000 > QUICK_CPU_MAX_MS;
}

function quickFirst(ids: string[]): string[] {
  const times = JSON.parse(readFileSync(TIMES, "utf8")) as Record<
    string,
    number
  >;
  return ids.sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0));
}

async function runTest(id: string, test: Collected): Promise<TestResult> {
  const started = performance.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  let failure: string | null = null;
  try {
    const idle = new Promise<never>((_, reject) => timer = whenIdle(reject));
    await Promise.race([test.run(), idle]);
  } catch (error) {
    failure = error instanceof Error ? error.message : `${error}`;
  } finally {
    clearInterval(timer);
  }
  const timeSpentMs = Math.ceil(performance.now() - started);
  return failure === null
    ? { id, name: id, status: "success", timeSpentMs }
    : { id, name: id, status: "failed", failureMessage: failure, timeSpentMs };
}

/** Calls `reject` once this process has had nothing to do for a while. */
function whenIdle(
  reject: (error: Error) => void,
): ReturnType<typeof setInterval> {
  let count = 0;
  let before = process.cpuUsage();
  return setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    count = (user + system) / 1000 < IDLE_CPU_MAX_MS ? count + 1 : 0;
    if (count >= IDLE_CHECKS_MAX) reject(new Error("it waits forever"));
  }, IDLE_CHECK_MS);
}

/** How Stryker finds the runner. */
export const strykerPlugins = [
  { kind: "TestRunner", name: "collected", injectableClass: CollectedTests },
];
