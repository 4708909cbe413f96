// What the rig does beside cutting boards: a quick look at arm64, the check of system calls, full disks, the demo on a
// Raspberry Pi, and how fast a board commits. Each result becomes a row.

import { join } from "node:path";
import { show } from "../../bench/support/stats.ts";
import type { Boot } from "./cut.ts";
import { checkFullDisks } from "./full_disks.ts";
import { cacheFolder, type GuestFiles } from "./packages.ts";
import { runRaspberry } from "./raspberry.ts";
import type { RigResults } from "./results.ts";
import { checkRottenInodes, whyNoRottenInodes } from "./rotten_inodes.ts";
import { runSmoke } from "./smoke.ts";
import { measureSpeed } from "./speed.ts";
import { checkSystemCalls } from "./syscalls.ts";

/** The parts of a run. */
export const PARTS = [
  "smoke",
  "system-calls",
  "full-disks",
  "rotten-inodes",
  "cuts",
  "raspberry",
  "speed",
] as const;
/** One of them. */
export type Part = typeof PARTS[number];

/** What a part has to say. */
type Check = (files: GuestFiles, results: RigResults, boot: Boot) => Promise<void>;

/** Every part but the cuts. */
export const OTHER_CHECKS: Record<Exclude<Part, "cuts">, Check> = {
  smoke,
  "system-calls": systemCalls,
  "full-disks": fullDisks,
  "rotten-inodes": rottenInodes,
  raspberry,
  speed,
};

function add(
  results: RigResults,
  part: Part,
  name: string,
  problem: string | null,
  detail: string,
) {
  const ok = problem === null;
  results.others.push({ name, ok, detail: problem ?? detail });
  console.log(`${ok ? "ok    " : "FAILED"} ${name}: ${(problem ?? detail).split("\n")[0]}`);
  const replay = `npm run rig -- --only ${part}`;
  if (!ok) results.failures.push({ what: name, detail: problem!, replay });
}

async function smoke(files: GuestFiles, results: RigResults): Promise<void> {
  const { steps, suites } = await runSmoke(files);
  const wrong = steps.filter(({ problem }) => problem !== null);
  add(
    results,
    "smoke",
    "the command for arm64, on one directory with this machine's",
    wrong.length === 0
      ? null
      : wrong.map(({ who, command, problem }) => `${who}: ${command}: ${problem}`).join("\n"),
    `${steps.length} calls by Bun and Deno for arm64 and Bun here`,
  );
  for (const { runtime, passed, failed, problems, seconds } of suites) {
    const name = `the core of the tests on ${runtime} for arm64`;
    const problem = failed === 0 && passed > 0 ? null : `${failed} failed: ${problems.join("\n")}`;
    add(results, "smoke", name, problem, `${passed} passed in ${seconds.toFixed(0)} s`);
  }
}

async function systemCalls(_: GuestFiles, results: RigResults): Promise<void> {
  await checkSystemCalls(({ runtime, subject, expected, acknowledged, asExpected, detail }) => {
    const name = `system calls of ${subject} on ${runtime}`;
    const found = `${expected}, ${acknowledged} mutations: ${detail}`;
    add(results, "system-calls", name, asExpected ? null : detail, found);
  });
}

async function fullDisks(_: GuestFiles, results: RigResults): Promise<void> {
  await checkFullDisks(
    ({ disk, runtime, problem, detail }) =>
      add(results, "full-disks", `a full disk, ${disk} on ${runtime}`, problem, detail),
    (disk, reason) => console.log(`left out: a full disk, ${disk}: ${reason}`),
  );
}

function rottenInodes(_: GuestFiles, results: RigResults): Promise<void> {
  const reason = whyNoRottenInodes();
  if (reason !== null) console.log(`left out: damaged inodes: ${reason}`);
  else {
    checkRottenInodes(({ damage, runtime, problem, detail }) =>
      add(results, "rotten-inodes", `damaged inodes, ${damage} on ${runtime}`, problem, detail)
    );
  }
  return Promise.resolve();
}

async function raspberry(files: GuestFiles, results: RigResults): Promise<void> {
  const { lives, recovered, problems, looked } = await runRaspberry(files);
  const acknowledged = lives.reduce((sum, life) => sum + life.acknowledged, 0);
  add(
    results,
    "raspberry",
    "the demo on a Raspberry Pi 3B",
    problems.length === 0 ? null : problems.join("\n"),
    `${lives.length} times unplugged in mid-write, ${acknowledged} readings acknowledged, ` +
      `${recovered} recovered; verify said "${looked.split("\n")[0]}"`,
  );
}

async function speed(_: GuestFiles, results: RigResults, boot: Boot): Promise<void> {
  for (const found of await measureSpeed(boot, join(cacheFolder, "boot"))) {
    const where = `on a board, ${found.runtime}`;
    if ("problem" in found) {
      add(results, "speed", `commits ${where}`, found.problem, "");
    } else if ("keys" in found) {
      const { keys, before, beside, own } = found;
      const detail =
        `the loop was held for ${show(beside, 0)} ms, ${show(own, 0)} of it computing; ` +
        `${show(before, 0)} before`;
      add(results, "speed", `a snapshot of ${keys} keys ${where}`, null, detail);
    } else {
      const { callers, floor, ministate, ratio } = found;
      const who = callers === 1 ? "one caller" : `${callers} callers`;
      const detail = `${ministate.toFixed(0)}/s, ${show(ratio, 2)} of the bare loop there ` +
        `(${floor.toFixed(0)}/s)`;
      add(results, "speed", `commits ${where}, ${who}`, null, detail);
    }
  }
}
