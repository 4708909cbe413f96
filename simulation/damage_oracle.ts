/**
 * Opens damaged directories and checks that nothing acknowledged is missing without a word.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { MinistateError, StateManager } from "@ministate/ministate";
import type { LostRecords, StateManagerOptions } from "@ministate/ministate";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { collector, DIRECTORY, type Manager, NAME } from "./world.ts";
import type { Recording } from "./recordings.ts";

/** Opens a disk as a program would. */
export function openDamaged(fs: PowerCutDisk, options: StateManagerOptions = {}): Promise<Manager> {
  return StateManager.open(DIRECTORY, NAME, collector, {
    compaction: "manual",
    clock: () => 0,
    ...options,
    fs,
  });
}

/** The result of opening. */
export interface Outcome {
  /** The sequence reached; `null` when opening failed. */
  sequence: number | null;
  code: string | null;
}

/**
 * Opens with `"fail"`: everything is there, or `CORRUPT`, or only what is beyond proof is missing.
 *
 * @param excused the sequences at which the state may end though more was acknowledged
 */
export async function failsOrKeepsAll(
  recording: Recording,
  disk: PowerCutDisk,
  excused: readonly number[],
): Promise<Outcome> {
  const before = disk.paths(DIRECTORY);
  let manager: Manager;
  try {
    manager = await openDamaged(disk);
  } catch (error) {
    if (!(error instanceof MinistateError)) throw error;
    // A bit in the header can make it look like another journal's.
    assert(["CORRUPT", "FOREIGN_FORMAT"].includes(error.code), error.message);
    assertEquals(disk.paths(DIRECTORY), before, "a refused open changed the directory");
    if (error.code === "CORRUPT") saysWhere(error);
    return { sequence: null, code: error.code };
  }
  const { sequence, state } = manager;
  assertEquals(state.ids, recording.ids.slice(0, sequence), "a wrong state");
  assert(
    sequence === recording.ids.length || excused.includes(sequence),
    `${recording.ids.length} were acknowledged, and ${sequence} are left without a word`,
  );
  await manager.close();
  return { sequence, code: null };
}

/** The error must name file, offset and sequence, and what to do. */
function saysWhere({ path, offset, sequence, message }: MinistateError): void {
  assert(path?.startsWith(DIRECTORY), `the error names the path ${path}`);
  assert(Number.isSafeInteger(offset), `the error names the offset ${offset}`);
  assert(Number.isSafeInteger(sequence), `the error names the sequence ${sequence}`);
  assert(message.includes("repair"), `the error doesn't say what to do: ${message}`);
}

/**
 * Opens with `"quarantine"`: it always opens, reports what is lost, keeps the damaged bytes, and continues.
 *
 * @param exact whether what is left says exactly how far the journal went, unless it says nothing
 */
export async function quarantines(
  recording: Recording,
  disk: PowerCutDisk,
  path: string,
  excused: readonly number[],
  exact = false,
): Promise<void> {
  const damaged = disk.peek(path);
  const manager = await openDamaged(disk, { onCorruption: "quarantine" });
  const { sequence } = manager;
  const { lost } = manager.recovery;
  const acked = recording.ids.length;
  assertEquals([...manager.state.ids], recording.ids.slice(0, sequence), "a wrong state");
  if (lost === null) {
    assert(sequence === acked || excused.includes(sequence), `${sequence} left without a word`);
  } else {
    assertEquals(lost.sequenceFirst, sequence + 1, "the report begins elsewhere");
    const last = lost.sequenceLast ?? acked;
    const least = exact ? acked : Math.min(sequence + 1, acked);
    assert(last <= acked && last >= least, `lost up to ${last}?`);
    assert(isReported(disk, lost), "the report is not on the disk");
    const kept = disk.paths(`${DIRECTORY}/quarantine`).map((name) => disk.peek(name)!);
    assert(
      damaged === null || kept.some((bytes) => sameBytes(bytes, damaged)),
      "the damaged bytes are not kept",
    );
  }
  await manager.apply({ id: -1 });
  await manager.close();
  const again = await openDamaged(disk);
  assertEquals([...again.state.ids], [...recording.ids.slice(0, sequence), -1], "opened again");
  await again.close();
}

/** Whether the report of what was lost is in the quarantine, but for the files that were moved after it. */
function isReported(disk: PowerCutDisk, { quarantined: _, ...lost }: LostRecords): boolean {
  const wanted = JSON.stringify(lost);
  return disk.paths(`${DIRECTORY}/quarantine`).some((path) => {
    if (!/\/lost-from-\d+\.json$/.test(path)) return false;
    const { quarantined: _, ...found } = JSON.parse(new TextDecoder().decode(disk.peek(path)!));
    return JSON.stringify(found) === wanted;
  });
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Runs one case, and says which it was when it fails. */
export async function runCase(what: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}
