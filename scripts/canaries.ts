// Breaks the real code in one way after another (simulation/canaries) and runs the simulation on each such build: a
// canary that the simulation doesn't notice fails the run, because then it wouldn't notice that mistake either.
//
// The build as it is goes through the same first and must pass. The last line is "N passed, N failed".

import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { CANARIES } from "../simulation/canaries/canaries.ts";
import type { Canary } from "../simulation/canaries/canary.ts";
import { buildCanary, copySources } from "../simulation/canaries/build.ts";
import { type Catch, hunt, type Share } from "../simulation/canaries/hunt.ts";

const HELP = `npm run canaries -- [options]

  --name TEXT     only canaries with this in their names
  --processes N   how many at a time (default: one for each core)
  --verbose       also what the simulation said about each
  --help          this text
`;

const { values } = parseArgs({
  options: {
    name: { type: "string", default: "" },
    processes: { type: "string", default: String(availableParallelism()) },
    verbose: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

/** About the share that CI simulates, always of the same seed: a canary must not survive by chance. */
const SHARE: Share = {
  seed: 1,
  seconds: null,
  imagesMax: 16,
  histories: 80,
  rotOneIn: 1,
  only: "",
  call: 0,
  index: 0,
  processes: 1,
};

interface Result extends Catch {
  canary: Canary;
  seconds: number;
}

const started = performance.now();
const processes = Math.max(1, Number(values.processes) || 1);
const folder = mkdtempSync(join(tmpdir(), "ministate-canaries-"));
const sources = join(folder, "as-it-is");
const results: Result[] = [];
try {
  copySources(sources);
  process.exitCode = await huntAll() ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function huntAll(): Promise<boolean> {
  if (!await isSound()) return false;
  const waiting = CANARIES.filter(({ name }) => name.includes(values.name));
  const count = waiting.length;
  const work = async () => {
    for (let canary; (canary = waiting.shift()) !== undefined;) {
      const result = await huntOne(canary);
      results.push(result);
      const isCaught = result.verdict === "caught";
      const verdict = isCaught ? "caught" : `FAILED, ${result.verdict}`;
      console.log(`${results.length}/${count} ${verdict}: ${canary.name}`);
      if (!isCaught || values.verbose) console.log(indented(result.message));
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  return report(count);
}

/** Whether the simulation finds nothing in the build as it is; otherwise "caught" would mean nothing. */
async function isSound(): Promise<boolean> {
  const begun = performance.now();
  const shares = Array.from({ length: processes }, (_, index) => ({ ...SHARE, index, processes }));
  const found = await Promise.all(shares.map((share) => hunt(sources, share)));
  const bad = found.find(({ verdict }) => verdict !== "survived");
  const looked = found.reduce((sum, one) => sum + one.looked, 0).toLocaleString("en");
  if (bad === undefined) {
    console.log(`the code as it is: nothing found in ${looked} states, ${secondsSince(begun)} s`);
    return true;
  }
  console.log(`FAILED the code as it is, ${bad.exploration}:\n${indented(bad.message)}`);
  console.log("No canary was tried: what the simulation says means nothing until this is fixed.");
  console.log("\n0 passed, 1 failed");
  return false;
}

/** Tries the exploration most likely to notice, and then everything. */
async function huntOne(canary: Canary): Promise<Result> {
  const begun = performance.now();
  const build = join(folder, `canary-${CANARIES.indexOf(canary)}`);
  const result = (found: Catch) => ({ ...found, canary, seconds: secondsSince(begun) });
  try {
    buildCanary(sources, build, canary);
    const likely = await hunt(build, { ...SHARE, only: canary.first });
    return result(likely.verdict === "survived" ? await hunt(build, SHARE) : likely);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return result({ verdict: "broken", exploration: "building", message, looked: 0 });
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
}

function report(count: number): boolean {
  results.sort((a, b) => CANARIES.indexOf(a.canary) - CANARIES.indexOf(b.canary));
  let rule = "";
  for (const { canary, verdict, exploration, looked, seconds } of results) {
    if (canary.rule !== rule) console.log(`\n${canary.rule}`);
    rule = canary.rule;
    const how = verdict === "caught"
      ? `${exploration}, after ${looked.toLocaleString("en")} states and ${seconds} s`
      : verdict === "survived"
      ? "FAILED, it survived: the simulation must learn to see this"
      : "FAILED: the canary itself is wrong, see above";
    console.log(`  ${canary.name.padEnd(62)} ${how}`);
  }
  const caught = results.filter(({ verdict }) => verdict === "caught").length;
  // A run without any canary would have proven nothing.
  const failed = count === 0 ? 1 : count - caught;
  console.log(`\n${count} canaries in ${secondsSince(started)} s`);
  console.log(`${caught} passed, ${failed} failed`);
  return failed === 0;
}

function secondsSince(begun: number): number {
  return Math.round((performance.now() - begun) / 100) / 10;
}

function indented(text: string): string {
  return `  ${text.trim().replaceAll("\n", "\n  ")}`;
}
