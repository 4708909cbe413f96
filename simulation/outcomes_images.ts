/**
 * Looks at what a power cut left of a history in which the program changes: with another program, and with the one
 * that continues there.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { StateManagerOptions } from "@ministate/ministate";
import { EXTREMES } from "../testing/disk/power_cut.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { Random } from "../testing/disk/random.ts";
import { makeCalls, type PurseManager } from "./outcomes_calls.ts";
import { readOutcomes } from "./outcomes_journal.ts";
import type { Ledger } from "./outcomes_model.ts";
import { compareReaders, type Opening, opens } from "./outcomes_oracle.ts";
import type { Program } from "./outcomes_program.ts";
import { assertKept, rollsBack } from "./outcomes_roll_back.ts";
import { DIRECTORY } from "./world.ts";

/** How these histories open their states: with small segments, so that they fill soon. */
export const OPTIONS: StateManagerOptions = { segmentSizeMax: 64 * 1024, snapshotsKept: 3 };

/** Some are accepted by any program, and some refused by nearly all. */
const AFTERWARDS = [[1], [9], [2, 12], [-3], [0]];

/** What must be on an image, and the programs that open it. */
export interface Chain {
  ledger: Ledger;
  /** The newest first. One of them must open it. */
  programs: readonly Program[];
  /** Another one, which may. */
  other: Program;
  /** While an update is being rolled back, the programs that must open it if no older one can. */
  newer: readonly Program[] | null;
  /** The lines that roll-backs have set aside. */
  kept: ReadonlySet<string>;
}

/** What is left when everything unsynced is gone. */
export function cutOff(disk: PowerCutDisk): PowerCutDisk {
  return disk.powerCut(EXTREMES.lost, new Random(1));
}

/**
 * Opens an image with another program, and with the latest that can, which then continues on it.
 *
 * @returns what came of each
 */
export async function checkImage(image: PowerCutDisk, chain: Chain): Promise<string[]> {
  assertKept(image, chain.kept);
  const place = { disk: image.image(), options: OPTIONS };
  const ledger = chain.ledger.fork();
  const other = await openAgain(ledger, place, chain.other, chain);
  // Whatever the open itself has written says what it found.
  if (other !== null) ledger.compare(readOutcomes(cutOff(place.disk), DIRECTORY));
  for (const program of chain.programs) {
    const ledger = chain.ledger.fork();
    const disk = image.image();
    const manager = await openAgain(ledger, { disk, options: OPTIONS }, program, chain);
    if (manager === null) continue;
    assertKept(disk, chain.kept);
    await continues(manager, ledger, disk, program);
    return [other === null ? "MUTATOR_CHANGED" : "opened by another program", "opened"];
  }
  assert(chain.newer !== null, "no program opens what a power cut left");
  const newest = chain.newer[0]!;
  return await checkImage(image, { ...chain, programs: chain.newer, other: newest, newer: null });
}

/** Opens an image, or ends a roll-back that a power cut has interrupted; `null` when the program must not open it. */
async function openAgain(
  ledger: Ledger,
  place: Opening,
  program: Program,
  { newer }: Chain,
): Promise<PurseManager | null> {
  if (newer === null) return await opens(ledger, place, program);
  const manager = await rollsBack(ledger, place, program);
  return typeof manager === "string" ? null : manager;
}

/** Continues, and looks at what the power leaves of that with a program that accepts everything. */
async function continues(
  manager: PurseManager,
  ledger: Ledger,
  disk: PowerCutDisk,
  program: Program,
): Promise<void> {
  let id = 0;
  const calls = AFTERWARDS.map((call) => call.map((by) => ({ id: --id, by })));
  await makeCalls(manager, ledger, calls, { program, together: true, mayFail: false });
  const generous: Program = { ...program, style: "checked", limit: 1000, floor: -1000 };
  const next = cutOff(disk);
  const again = await opens(ledger, { disk: next, options: OPTIONS }, generous);
  assert(again !== null, "a program that accepts everything was refused");
  await compareReaders(ledger, again, { disk: next }, generous, ledger.past.length * 7);
  await again.close();
  ledger.compare(readOutcomes(next, DIRECTORY));
}

/**
 * Opens a backup, which records the outcome of everything in it, whatever program opens it.
 *
 * @param ledger all that it must hold
 * @returns what came of it
 */
export async function checkBackup(
  disk: PowerCutDisk,
  directory: string,
  ledger: Ledger,
  program: Program,
): Promise<string> {
  const place = { disk: cutOff(disk.image()), directory };
  const found = readOutcomes(place.disk, directory);
  assert.equal(found.last, ledger.past.length, "the backup ends elsewhere");
  assert(found.undecided === null, "a backup leaves its last batch undecided");
  const copy = await opens(ledger, place, program);
  await copy?.close();
  return copy === null ? "MUTATOR_CHANGED" : "as it was";
}
