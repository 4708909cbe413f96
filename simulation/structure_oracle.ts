/**
 * Opens a damaged directory in every possible way, and compares the results with what the directory proves.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { ForeignFormatError, MinistateError, type RecoveryReport } from "@ministate/ministate";
import type { StateManagerOptions } from "@ministate/ministate";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { BATCH_SIZE_MAX, SEQUENCE_MAX } from "../src/format/format.ts";
import { inspectState } from "../src/recovery/inspect.ts";
import type { NextOpen } from "../src/recovery/inspection.ts";
import { SURVEYS_MAX } from "../src/recovery/read_steadily.ts";
import { type Meter, metered } from "./metered_fs.ts";
import { type Evidence, weigh } from "./structure_evidence.ts";
import { filesOf, type History, openRefusing, sameBytes } from "./structure_history.ts";
import { DIRECTORY, type Manager, NAME } from "./world.ts";

/** Something outside the state directory, which nothing may touch. */
export const OUTSIDE = "/data/outside";

const ID_AFTER = -1;
const LINE_FEED = 10;

/** The result of one open. */
interface Opening {
  manager: Manager | null;
  code: string | null;
  error: Error | null;
}

/** Opens as a program would, and checks that it took no more work than the directory's size warrants. */
export async function openMetered(
  disk: PowerCutDisk,
  options: StateManagerOptions,
  isHostile = false,
): Promise<Opening> {
  const size = sizeOf(disk);
  const meter = metered(disk);
  const opening: Opening = { manager: null, code: null, error: null };
  try {
    opening.manager = await openRefusing(meter.fs, { clock: () => 0, ...options });
  } catch (error) {
    if (!(error instanceof MinistateError)) {
      throw new Error(`an error without a code: ${error}`, { cause: error });
    }
    opening.code = error.code;
    opening.error = error;
  }
  // The search for proof may read twenty times what it searches, and no less than the largest batch: until that much is
  // read, look-alikes of batches could be one.
  const search = isHostile ? 20 * BATCH_SIZE_MAX : 0;
  // Without the lock, damage is believed only after it was found that often.
  const attempts = options.readOnly === true ? SURVEYS_MAX : 1;
  checkEffort(meter, { size, search, attempts, files: disk.paths(DIRECTORY).length });
  return opening;
}

/** What an open may take work for. */
interface Work {
  /** The size of the directory. */
  size: number;
  /** How many bytes the search for proof may read beyond what the size warrants. */
  search: number;
  /** How often the directory may be read. */
  attempts: number;
  files: number;
}

function checkEffort(meter: Meter, work: Work): void {
  const { size, search, attempts, files } = work;
  const { calls, bytesRead, bytesWritten, bufferMax } = meter;
  const effort = JSON.stringify({ ...work, calls, bytesRead, bytesWritten, bufferMax });
  assert(calls < attempts * (200 + 40 * files + size / 16), `too many calls: ${effort}`);
  assert(bytesRead < attempts * (65_536 + 64 * size + search), `too much read: ${effort}`);
  assert(bytesWritten < 262_144 + 4 * size, `too much written: ${effort}`);
  assert(bufferMax < 524_288 + 8 * size, `too large a buffer: ${effort}`);
  for (const path of meter.paths) {
    const isInside = path === DIRECTORY || path.startsWith(`${DIRECTORY}/`);
    // Syncing the directories above is how a new directory's name becomes durable.
    assert(isInside || DIRECTORY.startsWith(path), `it touched "${path}"`);
    assert(!path.split("/").includes(".."), `it left by "${path}"`);
  }
}

function sizeOf(disk: PowerCutDisk): number {
  return disk.paths(DIRECTORY).reduce((size, path) => size + (disk.peek(path)?.length ?? 0), 0);
}

/** Every file below `/data` with its bytes. */
export function contentsOf(disk: PowerCutDisk): Map<string, Uint8Array | null> {
  return new Map(disk.paths("/data").map((path) => [path, disk.peek(path)]));
}

/** Checks that nothing on the disk is other than it was. */
export function assertUntouched(
  disk: PowerCutDisk,
  before: Map<string, Uint8Array | null>,
  what: string,
): void {
  assertEquals(disk.paths("/data"), [...before.keys()], `${what} changed the names`);
  for (const [path, bytes] of before) {
    if (bytes === null) continue;
    assert(sameBytes(disk.peek(path)!, bytes), `${what} changed "${path}"`);
  }
}

/** Checks everything about a damaged directory in which every checksum was honestly written. */
export async function checkDamaged(
  disk: PowerCutDisk,
  own: History,
  other: History,
): Promise<void> {
  const evidence = weigh(disk, own, other);
  try {
    const reached = await checkFailing(disk.image(), evidence, own, other);
    await checkReading(disk.image(), reached);
    await checkQuarantining(disk, evidence, own, other);
  } catch (error) {
    const files = filesOf(disk).map((path) =>
      `${path.split("/").at(-1)} ${disk.peek(path)!.length}`
    );
    const { message } = error as Error;
    throw new Error(
      `${message}\nevidence ${JSON.stringify(evidence)}\nof ${own.ids.length} acknowledged, in ${
        files.join(", ")
      }`,
      { cause: error },
    );
  }
}

/** With "fail": the whole provable state, or an error of the right kind and nothing changed. */
async function checkFailing(
  disk: PowerCutDisk,
  evidence: Evidence,
  own: History,
  other: History,
): Promise<number | null> {
  const before = contentsOf(disk);
  const foreseen = await foresee(disk.image());
  const { manager, code, error } = await openMetered(disk, { onCorruption: "fail" });
  if (manager === null) {
    assertEquals(foreseen?.outcome ?? "refuse", "refuse", `not foreseen: ${error!.message}`);
    assertUntouched(disk, before, "a refused open");
    const isDue = evidence.anomalies.length > 0 || evidence.owner !== "own" ||
      evidence.proven > evidence.reach;
    assert(isDue, `it refused what a power cut could have left: ${error!.message}`);
    assert(code === "CORRUPT" || code === "FOREIGN_FORMAT", `it refused with ${error!.message}`);
    return null;
  }
  const { sequence } = manager;
  assert(evidence.owner !== "contested", "opened though as many files are another journal's");
  if (checkState(manager, evidence, own, other) === own) {
    assert(sequence >= evidence.proven, `opened at ${sequence} without a word`);
  }
  assertEquals(manager.recovery.lost, null);
  const { torn, replayed } = manager.recovery;
  const came: unknown[] = [torn === null ? "open" : "cut", sequence, replayed];
  const { outcome, sequence: reaches, replays } = foreseen ?? {};
  assertEquals([outcome, reaches, replays], came, "an inspection foresaw another");
  await manager.close();
  return sequence;
}

/** What the next open results in according to an inspection; `null` when it is refused like the open. */
async function foresee(disk: PowerCutDisk): Promise<NextOpen | null> {
  try {
    return (await inspectState(disk, DIRECTORY, NAME)).nextOpen;
  } catch (error) {
    if (!(error instanceof ForeignFormatError)) throw error;
    return null;
  }
}

/** The longest possible prefix of the journal's own history, or of another journal's when the whole directory is that one's. */
function checkState(manager: Manager, evidence: Evidence, own: History, other: History): History {
  const ids = [...manager.state.ids];
  const { sequence } = manager;
  const accepted = (history: History) => history.ids.slice(0, sequence).filter((id) => id !== null);
  // A state without any is the other's only if that has as many mutations, all of them refused.
  const isOthers = evidence.owner === "other" ||
    (evidence.owner === "contested" && ids[0] === accepted(other)[0] &&
      sequence <= other.ids.length);
  const history = isOthers ? other : own;
  assert(sequence <= history.ids.length, "more than there ever was");
  assertEquals(ids, accepted(history), "a wrong state");
  if (!isOthers && evidence.owner !== "contested") {
    assertEquals(sequence, evidence.reach, "not the longest provable state");
  }
  return history;
}

/** Reading only gives the same and changes nothing. */
async function checkReading(disk: PowerCutDisk, reached: number | null): Promise<void> {
  const before = contentsOf(disk);
  const { manager } = await openMetered(disk, { readOnly: true });
  assertEquals(manager?.sequence ?? null, reached, "a reader gets something else");
  await manager?.close();
  assertUntouched(disk, before, "a reader");
}

/** With "quarantine": it opens, reports exactly what is lost, keeps every byte, and continues. */
async function checkQuarantining(
  disk: PowerCutDisk,
  evidence: Evidence,
  own: History,
  other: History,
): Promise<void> {
  const before = contentsOf(disk);
  const { manager, error } = await openMetered(disk, { onCorruption: "quarantine" });
  if (manager === null) {
    assertUntouched(disk, before, "a refused open");
    const absurd = [...before.keys()].some((path) => isBeyondNumbers(path));
    assert(absurd, `it didn't open: ${error!.message}`);
    return;
  }
  const history = checkState(manager, evidence, own, other);
  const ids = [...manager.state.ids];
  if (history === own && evidence.owner !== "contested") {
    checkReport(manager.recovery, evidence, manager.sequence, own.ids.length);
  }
  await manager.apply({ id: ID_AFTER });
  await manager.close();
  checkKept(disk, before, manager.recovery);
  await checkGoesOn(disk, [...ids, ID_AFTER]);
}

/** Whether a name's sequence, or the one after a snapshot's, is not an exact number: such a directory is not ours. */
function isBeyondNumbers(path: string): boolean {
  const [, sequence, kind] = /-(\d{16})\.(wal|snapshot)\.jsonl$/.exec(path) ?? [];
  return Number(sequence ?? 0) > (kind === "wal" ? SEQUENCE_MAX + 1 : SEQUENCE_MAX);
}

function checkReport(
  { lost, sequence }: RecoveryReport,
  { proven, found, mentioned }: Evidence,
  reached: number,
  acked: number,
): void {
  assertEquals(sequence, reached);
  if (lost === null) {
    assert(reached >= proven, `${reached} left without a word`);
    return;
  }
  assertEquals(lost.sequenceFirst, reached + 1, "the report begins elsewhere");
  const evident = Math.max(proven, found);
  const message = `the report says up to ${lost.sequenceLast}, and ${evident} is known`;
  assert((lost.sequenceLast ?? evident) >= evident || evident <= reached, message);
  if (lost.sequenceLast === null) assert(evident <= reached, message);
  else assert(lost.sequenceLast <= Math.max(acked, mentioned), message);
}

/** Every byte that was there still is, in its place or set aside. */
function checkKept(
  disk: PowerCutDisk,
  before: Map<string, Uint8Array | null>,
  { torn }: RecoveryReport,
): void {
  const after = contentsOf(disk);
  const all = [...after.values()].filter((bytes) => bytes !== null).map(written);
  for (const [path, bytes] of before) {
    if (bytes === null || !path.endsWith(".jsonl")) continue;
    const whole = written(bytes);
    const now = after.get(path) ?? new Uint8Array(0);
    if (all.some((kept) => sameBytes(kept, whole))) continue;
    if (sameBytes(now.subarray(0, whole.length), whole)) continue;
    assert(torn !== null && torn.path === path && torn.keptAt !== null, `"${path}" is not kept`);
    const tail = bytes.subarray(torn.offset, torn.offset + torn.size);
    assert(sameBytes(after.get(torn.keptAt)!, tail), `the tail of "${path}" is not kept`);
    assert(
      sameBytes(now.subarray(0, torn.offset), bytes.subarray(0, torn.offset)),
      `what is before the tail of "${path}" is not kept`,
    );
  }
  assertEquals(after.get(OUTSIDE), before.get(OUTSIDE), "a file outside was changed");
}

/** A file's bytes without the line feeds at its end, which are released when it is closed. */
function written(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.findLastIndex((byte) => byte !== LINE_FEED) + 1);
}

/** It opens again with nothing to report, and once more after a compaction. */
async function checkGoesOn(disk: PowerCutDisk, ids: number[]): Promise<void> {
  for (const then of ["compact", "close"] as const) {
    const { manager, error } = await openMetered(disk, { onCorruption: "fail" });
    assert(manager !== null, `it didn't open again: ${error?.message}`);
    assertEquals([...manager.state.ids], ids, "opened again");
    const { lost, torn, snapshotsSkipped } = manager.recovery;
    assertEquals({ lost, torn, snapshotsSkipped }, {
      lost: null,
      torn: null,
      snapshotsSkipped: [],
    });
    if (then === "compact") await manager.compact();
    await manager.close();
  }
}
