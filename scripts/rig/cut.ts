// One cut: a board works on its card until it is killed at a random moment; what is left of it is the card's log.

import type { FileSystem } from "./boot_files.ts";
import { Machine } from "./machine.ts";
import { LoggedDisk, type SavedLog } from "./write_log.ts";

/** What a board boots. */
export interface Boot {
  kernel: string;
  initramfs: string;
  programs: string;
}

/** The runtimes on the board. */
export type BoardRuntime = "bun" | "deno";

/** One cut to be made. */
export interface CutPlan {
  runtime: BoardRuntime;
  subject: string;
  fileSystem: FileSystem;
  /** See {@linkcode MachineSetup}. */
  neighbour: boolean;
  restarts: boolean;
  /** The power is cut after this many flushes of the card, or acknowledgements, whichever comes first. */
  life: number;
}

/** What came of it. */
export interface Cut {
  saved: SavedLog;
  console: string;
  /** What kept the cut from being made, or `null`. */
  problem: string | null;
}

/**
 * What makes mistakes show: `noauto_da_alloc` and `data=writeback` take away what ext4 does to hide missing syncs.
 * The others have nothing of the kind.
 */
export const MOUNT_OPTIONS: Record<FileSystem, string> = {
  ext4: "noatime,noauto_da_alloc,data=writeback",
  f2fs: "noatime",
  vfat: "noatime",
  exfat: "noatime",
};

/** A board that takes longer than this hangs. Emulated ones on busy machines are slow. */
const CUT_MS_MAX = 600_000;
const LOOK_MS = 7;
/** How long a program that is restarted runs each time. */
const RESTART_SECONDS = 3;

/** How each runtime runs the program; both are on the board's disk of programs. */
export function commandOf(runtime: BoardRuntime, args: string[]): string[] {
  const command = runtime === "bun"
    ? ["/bin/board"]
    : ["/bin/deno", "run", "--allow-all", "--no-prompt", "--cached-only", "/lib/board.js"];
  return [...command, ...args];
}

/** Makes one cut. */
export async function makeCut(boot: Boot, plan: CutPlan, card: Uint8Array): Promise<Cut> {
  const { runtime, subject, fileSystem, neighbour, restarts, life } = plan;
  const disk = new LoggedDisk(card);
  const watch = new Watch(disk);
  const machine = await Machine.start({
    ...boot,
    card: disk,
    fileSystem,
    mountOptions: MOUNT_OPTIONS[fileSystem],
    run: commandOf(runtime, ["write", subject, "/data"]),
    neighbour,
    restartSeconds: restarts ? RESTART_SECONDS : undefined,
    onSaid: (line) => disk.hear(line),
  });
  let over = false;
  machine.ended.then(() => over = true);
  const deadline = performance.now() + CUT_MS_MAX;
  const isDue = () => over || watch.count() >= life || performance.now() > deadline;
  // Checked by the clock: the machine runs meanwhile, so it is caught in the middle of anything.
  while (!isDue()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const problem = over
    ? "the program ended by itself"
    : watch.count() < life
    ? `the program had done too little after ${CUT_MS_MAX / 1000} s`
    : null;
  await machine.kill();
  return { saved: { before: disk.before, log: disk.log }, console: machine.console, problem };
}

/** Looks at a log that is growing. */
class Watch {
  readonly #disk: LoggedDisk;
  #countRead = 0;
  #flushes = 0;
  #acknowledgements = 0;

  constructor(disk: LoggedDisk) {
    this.#disk = disk;
  }

  /** How much the program has done so far. */
  count(): number {
    const { log } = this.#disk;
    for (const entry of log.slice(this.#countRead)) {
      if (entry.at === "said" && entry.text.startsWith("ack")) this.#acknowledgements++;
      if (entry.at === "flush" && this.#hasBegun) this.#flushes++;
    }
    this.#countRead = log.length;
    return Math.max(this.#flushes, this.#acknowledgements);
  }

  get #hasBegun(): boolean {
    return this.#acknowledgements > 0;
  }
}
