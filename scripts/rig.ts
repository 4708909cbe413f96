// Cuts the power of emulated arm64 boards with a real kernel and file system, and checks everything a card with a
// volatile cache could hold afterwards. Sets itself up; ends with a summary, an HTML report, and "N passed, N failed".

import { SingleBar } from "cli-progress";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { buildBoards } from "./rig/boards.ts";
import { type Board, FILE_SYSTEMS, type FileSystem } from "./rig/boot_files.ts";
import { Campaign } from "./rig/campaign.ts";
import { Cards, cardSize } from "./rig/cards.ts";
import { openConsole } from "./rig/console.ts";
import type { Boot } from "./rig/cut.ts";
import { examineStates } from "./rig/examine.ts";
import { loadFailure } from "./rig/failures.ts";
import { BoardJudge, canMount, type Judge, LoopJudge } from "./rig/judges.ts";
import { cacheFolder, fetchGuestFiles, installHostPrograms } from "./rig/packages.ts";
import { controlsOf, COUNTED, planCut } from "./rig/plans.ts";
import { OTHER_CHECKS, type Part, PARTS } from "./rig/other_checks.ts";
import { renderReport } from "./rig/report.ts";
import { type RigResults, stateCount } from "./rig/results.ts";
import { conclude } from "./rig/summary.ts";
import { binary, root } from "./toolchain.ts";

const HELP = `npm run rig -- [options]

  --cuts N         how many first cuts are made; most are followed by one during the recovery (default 10)
  --states N       how many crash states are derived from each (default 50)
  --seed N         repeats the plan of a run; drawn and printed when not given. When exactly the power goes, the
                   machine's speed decides; a failure keeps everything that is needed to see it again
  --boards N       how many boards run at the same time (default: one for each core)
  --fs NAME        ext4, f2fs, vfat or exfat: every cut on that file system (default: ext4, and f2fs for one in eight);
                   implies --only cuts, without counting traffic
  --no-controls    without the writers that must be caught
  --only PART      smoke (programs for arm64 under QEMU, without a board), system-calls (under strace), full-disks (real
                   file systems of this machine, filled up), rotten-inodes (damaged on a real ext4), cuts, raspberry
                   (the demo on a Raspberry Pi 3B), or speed (commits and snapshots on a board)
  --tear-commits   blocks that commit ext4's journal are torn too, and e2fsck -p runs before the mount
  --ci             the share that must pass before every change: few cuts, no Raspberry Pi, and no speed
  --replay FOLDER  looks again at a failure that was kept
  --console BOARD  virt or raspi3b: a shell on that board, in this terminal; with --anew on a new card
  --help           this text
`;

const { values } = parseArgs({
  options: {
    cuts: { type: "string", default: "10" },
    states: { type: "string", default: "50" },
    seed: { type: "string" },
    boards: { type: "string", default: String(availableParallelism()) },
    "no-controls": { type: "boolean", default: false },
    "tear-commits": { type: "boolean", default: false },
    only: { type: "string" },
    fs: { type: "string" },
    ci: { type: "boolean", default: false },
    console: { type: "string" },
    anew: { type: "boolean", default: false },
    replay: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

/** What the run in CI must reach, with some to spare. */
const CI = { cuts: 4, secondCuts: 1, states: 26, counted: ["deno"] } as const;

const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : number("seed", 0);
const cuts = values.ci ? CI.cuts : number("cuts", 0);
const statesPerCut = values.ci ? CI.states : number("states", 2);
const onlyFileSystem = (values.fs ?? null) as FileSystem | null;
const onlyPart = (values.only ?? (values.fs === undefined ? undefined : "cuts")) as
  | Part
  | undefined;
const started = performance.now();
const judges = new Map<string, Judge>();

if (![undefined, ...PARTS].includes(values.only as Part)) {
  stop(`--only takes ${PARTS.join(", ")}, got "${values.only}"`);
}
if (![undefined, ...FILE_SYSTEMS].includes(values.fs as FileSystem)) {
  stop(`--fs takes ${FILE_SYSTEMS.join(", ")}, got "${values.fs}"`);
}
if (![undefined, "virt", "raspi3b"].includes(values.console)) {
  stop(`--console takes virt or raspi3b, got "${values.console}"`);
}

installHostPrograms();
const files = fetchGuestFiles();
if (values.console !== undefined) {
  process.exit(await openConsole(values.console as Board, files, { anew: values.anew }));
}
const { boot, program } = await buildBoards(files);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => closeJudges().finally(() => process.exit(1)));
}
if (values.replay !== undefined) await replay(values.replay);
else await run();

async function run(): Promise<void> {
  const results: RigResults = {
    startedAt: new Date().toISOString(),
    seconds: 0,
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
    seed,
    command: ["npm run rig --", ...process.argv.slice(2), ...(values.seed ? [] : ["--seed", seed])]
      .join(" "),
    cuts: [],
    controls: [],
    others: [],
    failures: [],
  };
  if (onlyPart === undefined || onlyPart === "cuts") {
    if (!canMount("ext4") && onlyFileSystem !== "vfat" && onlyFileSystem !== "exfat") {
      stop("Images of cards are mounted, which only root can: start it with sudo");
    }
  }
  console.log(`seed ${seed}; set up in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  const isWanted = (part: Part) => part === (onlyPart ?? part);
  const first = (["smoke", "system-calls", "full-disks", "rotten-inodes"] as const).filter(
    isWanted,
  );
  await Promise.all(first.map((part) => OTHER_CHECKS[part](files, results, boot)));
  if (isWanted("cuts")) await runBoards(results, boot);
  for (const part of ["raspberry", "speed"] as const) {
    if (isWanted(part) && !values.ci) await OTHER_CHECKS[part](files, results, boot);
  }
  await closeJudges();
  results.seconds = (performance.now() - started) / 1000;
  const { passed, failed } = conclude(results);
  const folder = join(root, "dist", "rig");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `rig-${seed}`);
  writeFileSync(`${path}.json`, JSON.stringify(results, null, 1));
  writeFileSync(`${path}.html`, renderReport(results));
  console.log(`Report: ${relative(root, path)}.html and .json`);
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

/** Otherwise mounts would remain. */
async function closeJudges(): Promise<void> {
  for (const judge of judges.values()) await judge.close();
}

/** Jobs for the boards, taken in turn. Each lane has one board, and one judge for each file system. */
async function runBoards(results: RigResults, boot: Boot): Promise<void> {
  const jobs = [
    ...Array.from(
      { length: cuts },
      (_, number) => (campaign: Campaign) =>
        campaign.cut(number, !values.ci || number < CI.secondCuts),
    ),
    ...(onlyFileSystem !== null ? [] : values.ci ? CI.counted : ["bun", "deno"] as const).map(
      (runtime, index) => (campaign: Campaign) =>
        campaign.count(cuts + index, { ...COUNTED, runtime }),
    ),
    ...controlsOf(onlyFileSystem).filter(() => !values["no-controls"])
      .map((control, index) => (campaign: Campaign) => campaign.control(cuts + 2 + index, control)),
  ];
  const bar = new SingleBar({
    format: "{bar} {value}/{total} jobs  {states} crash states  {failures} failures",
    barsize: 20,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  const shown = () => ({ states: stateCount(results), failures: results.failures.length });
  bar.start(jobs.length, 0, shown());
  const used = Array.from({ length: cuts }, (_, n) => planCut(n, 0, onlyFileSystem).fileSystem);
  const needed = new Set([...used, ...(onlyFileSystem === null ? [] : [onlyFileSystem])]);
  for (const fileSystem of needed) {
    if (canMount(fileSystem)) continue;
    const judge = await BoardJudge.start(boot, fileSystem, cardSize(fileSystem, ""));
    judges.set(fileSystem, oneAtATime(judge));
  }
  const lane = async (index: number) => {
    // On this machine, which is faster, where it knows the file system.
    const here = onlyFileSystem !== null && canMount(onlyFileSystem) ? onlyFileSystem : "ext4";
    const own = await loopJudge(here);
    judges.set(`${here} in lane ${index}`, own);
    const campaign = new Campaign({
      boot,
      cards: new Cards(join(cacheFolder, "boot")),
      judgeOf: ({ fileSystem }) => judges.get(fileSystem) ?? own,
      statesPerCut,
      tearsCommits: values["tear-commits"],
      only: onlyFileSystem,
      results,
      onProgress: () => bar.update(shown()),
    });
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      await job(campaign);
      bar.increment(1, shown());
    }
  };
  await Promise.all(Array.from({ length: number("boards", 1) }, (_, index) => lane(index)));
  bar.stop();
}

function loopJudge(fileSystem: FileSystem): Promise<Judge> {
  return LoopJudge.start(binary("bun"), program, fileSystem, values["tear-commits"]);
}

/** Several lanes share one board that looks at cards. */
function oneAtATime(judge: Judge): Judge {
  let last: Promise<unknown> = Promise.resolve();
  return {
    look(...args) {
      const turn = last.then(() => judge.look(...args));
      last = turn.catch(() => {});
      return turn;
    },
    close: () => judge.close(),
  };
}

async function replay(folder: string): Promise<void> {
  const path = resolve(process.env.INIT_CWD ?? ".", folder);
  if (!existsSync(join(path, "failure.json"))) {
    stop(`No failure is kept in "${path}": the end of a run that failed names its folders`);
  }
  const { examination, state } = loadFailure(path);
  const { fileSystem, subject } = examination;
  const judge = canMount(fileSystem)
    ? await LoopJudge.start(binary("bun"), program, fileSystem, examination.tearsCommits)
    : await BoardJudge.start(boot, fileSystem, cardSize(fileSystem, subject));
  let sound = true;
  await examineStates(examination, [state], judge, (examined) => {
    console.log(`${examined.verdict}: ${examined.detail}`);
    sound = examined.verdict === "sound";
  });
  await judge.close();
  console.log(`\n${sound ? 1 : 0} passed, ${sound ? 0 : 1} failed`);
  process.exit(sound ? 0 : 1);
}

function number(name: "seed" | "cuts" | "states" | "boards", least: number): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= least) return value;
  stop(`--${name} must be a whole number from ${least}, got "${values[name]}"`);
}

function stop(message: string): never {
  console.log(message);
  process.exit(64);
}
