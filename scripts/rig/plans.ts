// Which cuts are made, and which controls: everything that differs between them, drawn from one seed.

import { Random } from "../../testing/disk/random.ts";
import type { FileSystem } from "./boot_files.ts";
import type { CutPlan } from "./cut.ts";

/** The library at work, in the order in which it is cut. */
const SUBJECTS = ["sequential", "compacting", "first-starts", "concurrent", "full-disk"];

/** How much a program does before the power goes, in flushes or acknowledgements. */
const LIFE_MIN = 10;
const LIFE_MAX = 150;
/** Recoveries are short, and they are what the second cut is for. */
const SECOND_LIFE_MAX = 60;

/**
 * Cut number `number`, from 0 on.
 *
 * @param only the file system of all cuts; `null` for ext4 and f2fs in turn
 */
export function planCut(number: number, seed: number, only: FileSystem | null): CutPlan {
  const random = new Random(seed);
  return {
    subject: SUBJECTS[number % SUBJECTS.length]!,
    runtime: Math.floor(number / SUBJECTS.length) % 2 === 0 ? "bun" : "deno",
    // So that each subject meets it in turn; its cards are checked by a board, which is slow.
    fileSystem: only ?? (number % 8 === 3 ? "f2fs" : "ext4"),
    neighbour: random.chance(0.5),
    restarts: random.chance(0.3),
    life: LIFE_MIN + random.below(LIFE_MAX - LIFE_MIN),
  };
}

/** What the board does when it starts again on a card that lost power, until it loses power again. */
export function planSecondCut(first: CutPlan, seed: number): CutPlan {
  const random = new Random(seed);
  const same = ["first-starts", "full-disk"].includes(first.subject);
  return {
    ...first,
    subject: same ? first.subject : "recovering",
    restarts: false,
    life: 1 + random.below(SECOND_LIFE_MAX),
  };
}

/** The cut whose traffic is held against the target. */
export const COUNTED: Omit<CutPlan, "runtime"> = {
  subject: "counted",
  fileSystem: "ext4",
  neighbour: false,
  restarts: false,
  life: 150,
};

/** A writer, and the verdict that the rig must reach. */
export interface ControlPlan {
  subject: string;
  expected: Expected;
  /** On a disk that says flushes are done and does nothing: everything loses data there. Of the same cuts. */
  expectedOfLiar: Expected | null;
}

/** Whether any crash state must be found wrong, or none. */
export type Expected = "caught" | "passes";

/** All controls on ext4. One more, without directory syncs, is invisible here and is left to the check of system calls. */
const CONTROLS: readonly ControlPlan[] = [
  { subject: "no-sync", expected: "caught", expectedOfLiar: null },
  { subject: "rename-without-sync", expected: "caught", expectedOfLiar: null },
  { subject: "torn-tail-skipped", expected: "caught", expectedOfLiar: null },
  { subject: "rust-scheme", expected: "caught", expectedOfLiar: null },
  { subject: "sqlite", expected: "passes", expectedOfLiar: "caught" },
  { subject: "sequential", expected: "passes", expectedOfLiar: "caught" },
];

/** Controls on FAT, of which fewer are tried: a board has to look at each of their crash states. */
const FAT_CONTROLS: readonly ControlPlan[] = [
  { subject: "no-sync", expected: "caught", expectedOfLiar: null },
  { subject: "rename-synced-once", expected: "caught", expectedOfLiar: null },
];

/** The controls of a run. */
export function controlsOf(only: FileSystem | null): readonly ControlPlan[] {
  if (only === null || only === "ext4") return CONTROLS;
  return only === "vfat" ? FAT_CONTROLS : FAT_CONTROLS.slice(0, 1);
}

/** How a control's cut is made: with everything that brings mistakes to light. */
export function planControl({ subject }: ControlPlan, only: FileSystem | null): CutPlan {
  return {
    subject,
    runtime: "bun",
    fileSystem: only ?? "ext4",
    neighbour: true,
    restarts: true,
    life: 120,
  };
}
