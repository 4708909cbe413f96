// Commits on an emulated board beside the bare loop there, on Bun (compiled) and on Deno. An emulated processor is
// tens of times slower than its disk, so this is one extreme: computing counts, and syncs hardly do.

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

/** What kept a board from being measured. */
export interface NoSpeed {
  runtime: BoardRuntime;
  problem: string;
}

/** A line of the program on the board; see guest/measured.ts. */
interface Slice {
  callers: number;
  name: string;
  rate: number;
}

/** Emulated, on a busy machine. */
const MS_MAX = 600_000;

/** Measures both runtimes, one board at a time. */
export async function measureSpeed(boot: Boot, folder: string): Promise<(Speed | NoSpeed)[]> {
  const found: (Speed | NoSpeed)[] = [];
  for (const runtime of ["bun", "deno"] as const) {
    found.push(...await measureOn(runtime, boot, new Cards(folder)));
  }
  return found;
}

async function measureOn(
  runtime: BoardRuntime,
  boot: Boot,
  cards: Cards,
): Promise<(Speed | NoSpeed)[]> {
  const slices: Slice[] = [];
  let isDone = false;
  const machine = await Machine.start({
    ...boot,
    card: new LoggedDisk(cards.empty("ext4", "measured")),
    fileSystem: "ext4",
    mountOptions: MOUNT_OPTIONS.ext4,
    run: commandOf(runtime, ["measure", "/data"]),
    onSaid(line) {
      const [word, callers, name, count, elapsedMs] = line.split(" ");
      if (word === "measured") isDone = true;
      if (word !== "slice") return;
      slices.push({
        callers: Number(callers),
        name: name!,
        rate: Number(count) / Number(elapsedMs) * 1000,
      });
    },
  });
  const timer = setTimeout(() => machine.kill(), MS_MAX);
  await machine.ended;
  clearTimeout(timer);
  if (!isDone) return [{ runtime, problem: `it was not done:\n${machine.console.trimEnd()}` }];
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
