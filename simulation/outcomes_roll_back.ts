/**
 * Rolls an update back, as the older program does on a board that falls back by itself, and checks that it continues
 * after what its own version wrote, that the newer files are set aside whole, and that the report says so.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type StateManagerOptions, TooNewError } from "@ministate/ministate";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import type { PurseManager } from "./outcomes_calls.ts";
import { type Found, readOutcomes } from "./outcomes_journal.ts";
import type { Ledger } from "./outcomes_model.ts";
import { type Opening, openPurse, opens } from "./outcomes_oracle.ts";
import type { Program } from "./outcomes_program.ts";
import { DIRECTORY } from "./world.ts";

/** What a roll-back comes to. */
export type RolledBack = PurseManager | "MUTATOR_CHANGED" | "TOO_NEW";

/** A directory as an older program must see it. */
interface Older {
  /** The disk as if no newer version had ever been there. */
  disk: PowerCutDisk;
  /** The files that a newer version wrote. */
  newer: string[];
  /** Those that no later edition has replaced: a roll-back that the power has ended may have left others. */
  inForce: string[];
}

const utf8 = new TextDecoder();

/** Looks at a directory as one version of the program sees it. */
function asSeenBy(disk: PowerCutDisk, version: number): Older {
  const older = disk.image();
  const paths = disk.paths(DIRECTORY).filter((path) =>
    /^[^/]+\.jsonl$/.test(path.slice(DIRECTORY.length + 1))
  );
  const newer = paths.filter((path) => versionOf(disk.peek(path)!) > version);
  for (const path of newer) older.unplant(path);
  // On FAT, a segment that begins an edition may be empty: it was never begun.
  const places = paths.filter((path) =>
    path.endsWith(".wal.jsonl") && versionOf(disk.peek(path)!) > 0
  ).map(placeOf);
  const isReplaced = ({ sequence, edition }: SegmentName) =>
    places.some((place) => place.edition > edition && place.sequence <= sequence);
  return { disk: older, newer, inForce: newer.filter((path) => !isReplaced(placeOf(path))) };
}

/** What a file's name says. */
interface SegmentName {
  sequence: number;
  edition: number;
}

function placeOf(path: string): SegmentName {
  const [, sequence, edition = "1"] = /-(\d{16})(?:\.(\d+))?\.\w+\.jsonl$/.exec(path)!;
  return { sequence: Number(sequence), edition: Number(edition) };
}

/** The version in a file's first line; 0 when that can't be read. */
function versionOf(bytes: Uint8Array): number {
  try {
    return JSON.parse(utf8.decode(bytes.subarray(0, bytes.indexOf(10)))).version;
  } catch {
    return 0;
  }
}

/** Whether the files of a version lead from the beginning, or from a snapshot, to their end. */
function leads({ version, first, snapshots }: Found): boolean {
  return version > 0 && (first === 1 || snapshots.some(({ sequence }) => sequence >= first - 1));
}

/**
 * Opens a state with a program that may be older than it.
 *
 * @returns what came of it, as it must
 */
export async function rollsBack(
  ledger: Ledger,
  place: Opening,
  program: Program,
): Promise<RolledBack> {
  const { disk } = place;
  const options: StateManagerOptions = { ...place.options, onTooNew: "setAside" };
  const older = asSeenBy(disk, program.version);
  const found = readOutcomes(older.disk, DIRECTORY);
  if (older.inForce.length > 0) {
    await refusesNewer(place, program);
    if (!leads(found)) {
      await refusesNewer({ ...place, options }, program);
      return "TOO_NEW";
    }
  }
  const texts = older.newer.map((path) => textOf(disk, path));
  const manager = await opens(ledger, { ...place, options, seen: older.disk }, program);
  if (manager === null) return "MUTATOR_CHANGED";
  // Whether files that are not needed could be moved is not asked, and so the open may not notice that the power went.
  await disk.list("/");
  checkReport(manager, disk, older.inForce, found.last);
  assert.deepEqual(asSeenBy(disk, program.version).newer, [], "newer files are in force");
  const kept = new Set(disk.paths(`${DIRECTORY}/quarantine`).map((path) => textOf(disk, path)));
  for (const [i, text] of texts.entries()) {
    assert(kept.has(text), `${older.newer[i]} was not set aside whole`);
  }
  return manager;
}

async function refusesNewer(place: Opening, program: Program): Promise<void> {
  const { disk } = place;
  const before = disk.fingerprint();
  const error = await openPurse(place, program).catch((error) => error);
  if (!(error instanceof TooNewError)) {
    if (error instanceof Error) throw error;
    assert.fail(`version ${program.version} opened what a newer one wrote`);
  }
  assert.equal(disk.fingerprint(), before, "an open that was refused changed something");
}

function checkReport(
  manager: PurseManager,
  disk: PowerCutDisk,
  newer: readonly string[],
  last: number,
): void {
  const { lost, snapshotsSkipped, migratedFrom } = manager.recovery;
  assert((migratedFrom ?? 0) < manager.state.v, "migrated from a newer version");
  const isLost = newer.some((path) => path.endsWith(".wal.jsonl"));
  assert.equal(lost !== null, isLost, "whether the report says that something was set aside");
  const paths = [...lost?.quarantined ?? [], ...snapshotsSkipped.map(({ path }) => path)];
  for (const path of paths) {
    assert(disk.peek(path) !== null, `${path} is in the report and nowhere else`);
  }
  if (lost === null) return;
  assert.equal(lost.sequenceFirst, last + 1, "what the report says is set aside");
  assert(lost.reason.includes(`this is version ${manager.state.v}`), lost.reason);
}

function textOf(disk: PowerCutDisk, path: string): string {
  return utf8.decode(disk.peek(path)!).replace(/\n+$/, "");
}

/** The lines of newer files with what was acknowledged. From then on, each must be in some file. */
export function acknowledgedLines(disk: PowerCutDisk, { version }: Program, last: number) {
  const { newer } = asSeenBy(disk, version);
  return newer.flatMap((path) => textOf(disk, path).split("\n")).filter((line) => {
    const sequence = /^\[(\d+),/.exec(line)?.[1];
    return sequence !== undefined && Number(sequence) <= last;
  });
}

/** Checks that no line of newer files has gone, whenever the power was cut. */
export function assertKept(disk: PowerCutDisk, lines: ReadonlySet<string>): void {
  if (lines.size === 0) return;
  const there = new Set(
    disk.paths(DIRECTORY).flatMap((path) => utf8.decode(disk.peek(path)!).split("\n")),
  );
  for (const line of lines) assert(there.has(line), `gone after a roll-back: ${line}`);
}
