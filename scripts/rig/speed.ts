// Commits on an emulated board beside the bare loop there, and how long a snapshot holds its event loop, on Bun
// (compiled) and on Deno. An emulated processor is tens of times slower than its disk, so this is one extreme:
// computing counts, and syncs hardly do.

import { type Spread, spread } from "../../bench/support/stats.ts";
import { Cards } from "./cards.ts";
import { type BoardRuntime, type Boot, commandOf, MOUNT_OPTIONS } from "./cut.ts";
import { Machine } from "./machine.ts";
import { LoggedDisk } from "./write_log.ts";

/** The figures of a number of callers on one runtime. */
export interface Speed {
  runtime: BoardRuntime;
  callers: number;
  /** Commits in a second, the median of all rounds. */
  floor: number;
  ministate: number;
  /** Ministate's rate by that of the floor, round by round. */
  ratio: Spread;
}

/** How long the event loop was held, in milliseconds: the longest of each snapshot. */
export interface Stall {
  runtime: BoardRuntime;
  keys: number;
  /** Before the snapshot, when one caller commits. */
  before: Spread;
  /** Beside the snapshot. */
  beside: Spread;
  /** How much of it was this process's computing. */
  own: Spread;
}

/** What kept a board from being measured. */
export interface NoSpeed {
  runtime: BoardRuntime;
  problem: string;
}

type Found = Speed | Stall | NoSpeed;

/** A line of the program on the board; see guest/measured.ts. */
interface Slice {
  callers: number;
  name: string;
  rate: number;
}

/** Emulated, on a busy machine. */
const MS_MAX = 1_200_000;

/** Measures both runtimes, one board at a time. */
export async function measureSpeed(boot: Boot, folder: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const runtime of ["bun", "deno"] as const) {
    found.push(...await measureOn(runtime, boot, new Cards(folder)));
  }
  return found;
}

async function measureOn(runtime: BoardRuntime, boot: Boot, cards: Cards): Promise<Found[]> {
  const lines: string[][] = [];
  const machine = await Machine.start({
    ...boot,
    card: new LoggedDisk(cards.empty("ext4", "measured")),
    fileSystem: "ext4",
    mountOptions: MOUNT_OPTIONS.ext4,
    run: commandOf(runtime, ["measure", "/data"]),
    onSaid: (line) => lines.push(line.split(" ")),
  });
  const timer = setTimeout(() => machine.kill(), MS_MAX);
  await machine.ended;
  clearTimeout(timer);
  if (!lines.some(([word]) => word === "measured")) {
    return [{ runtime, problem: `it was not done:\n${machine.console.trimEnd()}` }];
  }
  const saidOf = (word: string) => lines.filter(([first]) => first === word);
  return [...speedsOf(runtime, saidOf("slice")), ...stallsOf(runtime, saidOf("stall"))];
}

function speedsOf(runtime: BoardRuntime, lines: string[][]): Speed[] {
  const slices: Slice[] = lines.map(([, callers, name, count, elapsedMs]) => ({
    callers: Number(callers),
    name: name!,
    rate: Number(count) / Number(elapsedMs) * 1000,
  }));
  return [...new Set(slices.map(({ callers }) => callers))].map((callers) => {
    const ratesOf = (name: string) =>
      slices.filter((slice) => slice.callers === callers && slice.name === name)
        .map(({ rate }) => rate);
    const floor = ratesOf("floor");
    const ministate = ratesOf("ministate");
    return {
      runtime,
      callers,
      floor: spread(floor).median,
      ministate: spread(ministate).median,
      ratio: spread(ministate.map((rate, round) => rate / floor[round]!)),
    };
  });
}

function stallsOf(runtime: BoardRuntime, lines: string[][]): Stall[] {
  return [...new Set(lines.map(([, keys]) => keys!))].map((keys) => {
    const own = lines.filter((line) => line[1] === keys);
    const column = (index: number) => spread(own.map((line) => Number(line[index])));
    return { runtime, keys: Number(keys), before: column(2), beside: column(3), own: column(4) };
  });
}
