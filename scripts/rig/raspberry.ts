// The demo on an emulated Raspberry Pi 3B: the keeper samples the board's sensors onto its SD card and loses power in
// mid-write, on one runtime after the other; at the end the board itself checks and reads what is on the card.
//
// Nothing is lost here between the program and the image: killing the machine doesn't touch the card's cache. That is
// what the cuts on the other board are for. This is the whole way, from a sensor to the card and back, on real drivers.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Testimony } from "../../examples/demo/keeper.ts";
import type { Findings } from "../../examples/demo/reader.ts";
import { buildInitramfs } from "./boot_files.ts";
import type { BoardRuntime } from "./cut.ts";
import { buildDemoCard } from "./demo_card.ts";
import { cacheFolder, type GuestFiles } from "./packages.ts";
import { Raspberry, type RaspberrySetup } from "./raspberry_machine.ts";
import { auditLives, readTestimony, unheardIn } from "./testimony.ts";

/** One life of the keeper, from power to power. */
export interface RaspberryLife {
  runtime: BoardRuntime;
  /** How many readings the console showed as submitted, and as acknowledged. */
  sent: number;
  acknowledged: number;
  seconds: number;
}

/** What came of it. */
export interface RaspberryResult {
  lives: RaspberryLife[];
  /** How many readings were recovered at the end. */
  recovered: number;
  /** How many of them no line had spoken of: they were on the card before they were on the console. */
  unheard: number;
  /** What `ministate verify` and `ministate inspect` said on the board. */
  looked: string;
  problems: string[];
  seconds: number;
}

/** How long after enough readings the kill comes: always in mid-write, never at the same point. */
const ACKNOWLEDGED_ENOUGH = 150;
const KILL_AFTER_MS_MAX = 1500;
/** Emulated, on a busy machine. Booting alone has been seen to take a minute. */
const LIFE_MS_MAX = 300_000;
const KEEPER_ARGUMENTS = ["/data/state", "--report", "--keep-history", "--interval", "20"];

/** The keeper's lives, in this order. */
const LIVES: readonly { runtime: BoardRuntime; keeper: string[] }[] = [
  { runtime: "bun", keeper: ["/bin/telemetry"] },
  {
    runtime: "deno",
    keeper: [
      "/bin/deno",
      "run",
      "--allow-all",
      "--no-prompt",
      "--cached-only",
      "/lib/telemetry.js",
    ],
  },
];

/** Runs the demo. */
export async function runRaspberry(
  files: GuestFiles,
  onLife: (life: RaspberryLife) => void = () => {},
): Promise<RaspberryResult> {
  const started = performance.now();
  const board = await prepare(files);
  const lives: RaspberryLife[] = [];
  const testimonies: Testimony[] = [];
  const problems: string[] = [];
  for (const { runtime, keeper } of LIVES) {
    const begun = performance.now();
    const { testimony, problem } = await live({ ...board, run: [...keeper, ...KEEPER_ARGUMENTS] });
    testimonies.push(testimony);
    if (problem !== null) problems.push(`${runtime}: ${problem}`);
    const [sent, acknowledged] = [testimony.sent.length, testimony.acknowledged.length];
    lives.push({ runtime, sent, acknowledged, seconds: (performance.now() - begun) / 1000 });
    onLife(lives.at(-1)!);
  }
  const last = await lookAgain({ ...board, run: ["/bin/busybox", "sh", "/lib/last_look.sh"] });
  const { looked, found } = last;
  return {
    lives,
    recovered: found?.records.length ?? 0,
    unheard: found === null ? 0 : unheardIn(testimonies, found),
    looked,
    problems: [
      ...problems,
      ...last.problems,
      ...(found === null ? [] : auditLives(testimonies, found)),
    ],
    seconds: (performance.now() - started) / 1000,
  };
}

/** Builds what the board boots, and a card without a state. */
async function prepare(files: GuestFiles): Promise<Omit<RaspberrySetup, "run">> {
  const folder = join(cacheFolder, "raspi3b");
  mkdirSync(folder, { recursive: true });
  const [initramfs, card] = [join(folder, "initramfs.cpio.gz"), join(folder, "card.img")];
  buildInitramfs("raspi3b", files, initramfs);
  await buildDemoCard(files, card);
  return { files, initramfs, card };
}

/** Lets the keeper work for a while, and pulls the plug. */
async function live(
  setup: RaspberrySetup,
): Promise<{ testimony: Testimony; problem: string | null }> {
  const board = Raspberry.start(setup);
  const hasEnded = (console: string) => console.includes("rig: ended");
  const hasEnough = (console: string) =>
    console.split('\n{"acknowledged"').length > ACKNOWLEDGED_ENOUGH || hasEnded(console);
  const inTime = await board.waitFor(hasEnough, LIFE_MS_MAX);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * KILL_AFTER_MS_MAX));
  await board.kill();
  const { testimony, unreadable } = readTestimony(board.console);
  const problem = !inTime || hasEnded(board.console)
    ? `the keeper did not continue until the power cut:\n${board.console.slice(-2000)}`
    : unreadable === null
    ? null
    : `a line on the console can't be read: ${unreadable}`;
  return { testimony, problem };
}

/** Starts the board a last time, and lets it say itself what is on its card. */
async function lookAgain(
  setup: RaspberrySetup,
): Promise<{ looked: string; found: Findings | null; problems: string[] }> {
  const board = Raspberry.start(setup);
  const inTime = await board.waitFor((console) => console.includes("rig: ended"), LIFE_MS_MAX);
  await board.kill();
  return readLastLook(board.console, inTime);
}

/** Reads what the script on the board printed. */
export function readLastLook(
  console: string,
  inTime: boolean,
): { looked: string; found: Findings | null; problems: string[] } {
  const codeOf = (name: string) =>
    Number(new RegExp(`^rig: ${name} ended with (\\d+)$`, "m").exec(console)?.[1] ?? NaN);
  const lines = console.split("\n");
  const looked = lines
    .slice(lines.indexOf("rig: verify") + 1, lines.indexOf(`rig: inspect ended with 0`))
    .filter((line) => !line.startsWith("rig: "))
    .join("\n");
  const problems: string[] = [];
  if (!inTime) problems.push(`the last look took too long:\n${console.slice(-2000)}`);
  // 1 is a torn tail, which the next open cuts: that is what a power cut may leave.
  if (![0, 1].includes(codeOf("verify"))) problems.push(`verify found more than a torn tail`);
  if (codeOf("inspect") !== 0) problems.push("inspect failed");
  if (codeOf("reader") !== 0) problems.push("the state did not open");
  const findings = lines.find((line) => line.startsWith('{"recovery"'));
  if (findings === undefined) problems.push("the reader printed nothing");
  return { looked, found: findings === undefined ? null : JSON.parse(findings), problems };
}
