/**
 * The benchmark: what a commit costs beside the bare disk, and what opening a long journal takes. docs/performance.md
 * explains the method. Started by `npm run bench` or `deno task bench`; `-- --quick` takes under a minute.
 *
 * @module
 */

import fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  contend,
  describeMachine,
  inDirectory,
  type Runtime,
  RUNTIMES,
  takeTurns,
  type Turns,
} from "./children.ts";
import { type Collected, report } from "./report.ts";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    /** Where the files go: on the disk that is to be measured. */
    dir: { type: "string", default: fileURLToPath(new URL("work", import.meta.url)) },
  },
});
const { quick } = options;
/** Runs one part alone, while working on it. */
const parts = options.only === undefined ? ["commits", "openings", "delays"] : [options.only];
const COMMIT_ROUNDS = quick ? 2 : 5;
const OTHER_ROUNDS = quick ? 1 : 3;
const SLICES = { warmUpMs: 300, sliceMs: 50, turns: quick ? 6 : 20 };
const DELAY_MS = quick ? 1000 : 2000;
const CALLERS = 64;
const SYNC_MS = 50;
const RECORDS = 1_000_000;
const BATCH_SIZES = quick ? [64] : [64, 1];

fs.mkdirSync(options.dir, { recursive: true });
const parent = fs.mkdtempSync(join(options.dir, "bench-"));
process.on("exit", () => fs.rmSync(parent, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

const machine = await describeMachine(parent);
for (const [name, value] of Object.entries(machine)) console.log(`${name.padEnd(12)} ${value}`);
if (machine["file system"] === "tmpfs") {
  console.log(
    "This is memory, not a disk: syncs cost nothing here. Give --dir a folder on a disk.",
  );
}
console.log();

const started = performance.now();
const collected: Collected = { commits: [], openings: [], delays: [] };
if (parts.includes("commits")) await measureCommits();
if (parts.includes("openings")) await measureOpenings();
if (parts.includes("delays")) await measureDelays();
progress("");
report(collected);
keepResults();

/** Fresh processes every round; within it they take turns, and the order turns round, so that a drift favours none. */
async function measureCommits(): Promise<void> {
  for (let round = 0; round < COMMIT_ROUNDS; round++) {
    for (const runtime of inTurn(round)) {
      progress(`commits, round ${round + 1} of ${COMMIT_ROUNDS}, ${runtime}`);
      const [floor, one, many] = await inDirectory(parent, (directory) => {
        const contenders = [0, 1, CALLERS].map((callers) => {
          const own = join(directory, String(callers));
          fs.mkdirSync(own);
          return takeTurns(runtime, own, callers);
        });
        return letCompete(contenders);
      });
      collected.commits.push({ runtime, floor: floor!, one: one!, many: many! });
    }
  }
}

/** Gives each contender its turns and returns how much each did in a second. */
async function letCompete(contenders: Turns[]): Promise<number[]> {
  for (const contender of contenders) await contender.turn(SLICES.warmUpMs);
  const order = contenders.map((contender) => ({ contender, count: 0, elapsedMs: 0 }));
  const sums = [...order];
  for (let turn = 0; turn < SLICES.turns; turn++) {
    for (const sum of order) {
      const { count, elapsedMs } = await sum.contender.turn(SLICES.sliceMs);
      sum.count += count;
      sum.elapsedMs += elapsedMs;
    }
    order.reverse();
  }
  for (const contender of contenders) await contender.end();
  return sums.map(({ count, elapsedMs }) => count / elapsedMs * 1000);
}

async function measureOpenings(): Promise<void> {
  for (const perBatch of BATCH_SIZES) {
    await inDirectory(parent, async (directory) => {
      progress(`writing ${RECORDS} records, ${perBatch} to a batch`);
      const { size } = await contend("bun", "generate", directory, RECORDS, perBatch);
      for (let round = 0; round < OTHER_ROUNDS; round++) {
        for (const runtime of inTurn(round)) {
          progress(`opening, round ${round + 1} of ${OTHER_ROUNDS}, ${runtime}`);
          const state = await contend(runtime, "state", RECORDS);
          const { elapsedMs, peak } = await contend(runtime, "open", directory);
          const above = peak - state.peak;
          collected.openings.push({ runtime, perBatch, size, elapsedMs, peak, above });
        }
      }
    });
  }
}

async function measureDelays(): Promise<void> {
  const situations: [name: string, callers: number, syncMs: number][] = [
    ["no commits", 0, 0],
    [`${CALLERS} callers, syncs of ${SYNC_MS} ms`, CALLERS, SYNC_MS],
    ["1 caller, the disk as it is", 1, 0],
    [`${CALLERS} callers, the disk as it is`, CALLERS, 0],
  ];
  for (let round = 0; round < OTHER_ROUNDS; round++) {
    for (const runtime of inTurn(round)) {
      for (const [situation, callers, syncMs] of situations) {
        progress(`event loop, round ${round + 1} of ${OTHER_ROUNDS}, ${runtime}, ${situation}`);
        const delay = await inDirectory(
          parent,
          (directory) => contend(runtime, "delay", directory, DELAY_MS, callers, syncMs),
        );
        collected.delays.push({ runtime, situation, slow: syncMs > 0, ...delay });
      }
    }
  }
}

function inTurn(round: number): Runtime[] {
  return round % 2 === 0 ? [...RUNTIMES] : RUNTIMES.toReversed();
}

/** One line that replaces itself on a terminal, and lines elsewhere. */
function progress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`);
  else if (text !== "") console.log(text);
}

/** Every single figure, so that a later reader can reckon differently. */
function keepResults(): void {
  const folder = fileURLToPath(new URL("results", import.meta.url));
  fs.mkdirSync(folder, { recursive: true });
  const path = join(folder, `${new Date().toISOString().replace(/[:.]/g, "-")}.json`);
  fs.writeFileSync(path, JSON.stringify({ machine, quick, ...collected }, null, 2) + "\n");
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`\nTook ${seconds} s. Every figure: ${path}`);
}
