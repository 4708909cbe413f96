/**
 * Sets damaged and torn bytes aside, so that nothing is deleted that anyone might want to examine.
 *
 * @module
 */

import { closeFile } from "../disk/close_file.ts";
import { copyRange, copyReadable } from "../disk/copy_range.ts";
import type { DurableFile, DurableFs, MaybePromise } from "../durable_fs.ts";
import { ioError, isDiskFull } from "../failures.ts";
import { type Corruption, isNewer, reasonOf } from "./corruption.ts";
import type { SegmentWriter } from "../journal/segment_writer.ts";
import type { ReadSegment } from "./segment_facts.ts";
import { editionOf } from "../disk/editions.ts";
import { EDITION_MAX, joinPath, type NamedFile, type StateFiles } from "../disk/names.ts";
import { moveAside, openQuarantine, QuarantineNames, syncMoved } from "./quarantine_folder.ts";
import type { LostRecords } from "./report.ts";
import { writeFully } from "../disk/file_io.ts";
import { isMetadataDamaged, isStuck } from "../disk/refusals.ts";
import type { StateDirectory } from "../journal/state_directory.ts";

/** How many torn tails to keep; the oldest is deleted first. Power cuts are frequent, and cards are small. */
const TORN_KEPT = 16;

/** Begins a fresh segment after everything that is kept, in the given edition or that of the files. */
type BeginAnew = (edition?: number) => Promise<SegmentWriter>;

/** What was set aside, and what the journal continues in. */
export interface SetAside {
  lost: LostRecords;
  /** The fresh segment, if one was begun; otherwise the damaged one, whose sound part was kept. */
  segment: SegmentWriter | null;
}

/** Our names never begin with a dot; those that a Mac or a synchronization program adds do. */
const TORN_NAME = /^\w.*\.torn-\d+$/;

/**
 * Keeps the bytes of a torn tail before they are overwritten.
 *
 * @returns where they are; `null` when the disk is full or no quarantine can be used: the bytes were never
 * acknowledged, and the state must open
 */
export async function keepTornTail(
  directory: StateDirectory,
  { file, soundEnd, writtenEnd }: ReadSegment,
): Promise<string | null> {
  try {
    const { folder } = await openQuarantine(directory);
    const target = joinPath(folder, `${file.name}.torn-${soundEnd}`);
    await copyRange(directory.fs, file.path, soundEnd, writtenEnd, target);
    await forgetOldTails(directory, folder, target);
    await directory.fs.syncDirectory(folder);
    return target;
  } catch (error) {
    if (isDiskFull(error) || isMetadataDamaged(error)) return null;
    throw ioError("keep the torn tail of", file.path, error);
  }
}

async function forgetOldTails(
  directory: StateDirectory,
  folder: string,
  newest: string,
): Promise<void> {
  const entries = await directory.fs.list(folder);
  const tails = entries.filter((entry) => entry.kind === "file" && TORN_NAME.test(entry.name))
    .map((entry) => entry.name)
    .sort((a, b) => placeOf(a) < placeOf(b) ? -1 : 1);
  for (const name of tails.slice(0, Math.max(0, tails.length - TORN_KEPT))) {
    const path = joinPath(folder, name);
    if (path !== newest) await whyStuck(() => directory.fs.remove(path));
  }
}

/** Sorts torn tails in the order the journal grew: by segment, then by offset. */
function placeOf(name: string): string {
  const [segment, offset] = name.split(".torn-");
  return `${segment} ${offset!.padStart(16, "0")}`;
}

/**
 * Sets aside everything from the damage on. If the power is cut at any time, the next open finds either the same damage
 * or the finished work, never a shorter journal that looks sound.
 *
 * 1. A copy of the damaged segment and a report are made durable.
 * 2. The damaged segment is replaced, in one rename, by its sound part.
 * 3. Later segments are moved away, the earliest first, and the last one only once the others are durably gone: as long
 * as it is there, records are missing before it, and it shows how far they went.
 *
 * If the damaged segment has no sound part to continue from, `beginAnew` makes a fresh segment in step 2. A damaged
 * segment that the disk can't read at all can't be copied, so it is moved in step 2 itself.
 *
 * If only fsck can move one of them, `beginAnew` makes a fresh segment of the next edition. By its name alone, in one
 * rename, it replaces all of them. The caller then moves whatever can still be moved.
 */
export async function setJournalAside(
  directory: StateDirectory,
  files: StateFiles,
  corruption: Corruption,
  beginAnew: BeginAnew,
): Promise<SetAside> {
  try {
    return await setAside(directory, files, corruption, beginAnew);
  } catch (error) {
    throw ioError("set aside what is damaged in", corruption.path, error);
  }
}

async function setAside(
  directory: StateDirectory,
  files: StateFiles,
  corruption: Corruption,
  beginAnew: BeginAnew,
): Promise<SetAside> {
  const { fs } = directory;
  const { damaged, later } = corruption;
  const names = await QuarantineNames.open(directory);
  const isAtOnce = isNewer(corruption) && isOneOfSeveral(files, corruption);
  const target = damaged && names.free(damaged.name);
  const isCopied = damaged !== null && !isAtOnce &&
    await keepCopy(fs, damaged, corruption, target!);
  // What could not be copied may not be movable either, so the report on the disk doesn't name it.
  const quarantined = isCopied ? [target!] : [];
  const lost = lostRecords(corruption, quarantined);
  await writeReport(directory, names, lost);
  await fs.syncDirectory(names.folder);
  let segment: SegmentWriter | null = null;
  const beginNext = async (otherwise: unknown): Promise<SetAside> => {
    const edition = editionOf(files) + 1;
    if (edition > EDITION_MAX) throw otherwise;
    await segment?.close();
    return { lost, segment: await beginAnew(edition) };
  };
  const takeOver = async (stuck: unknown): Promise<SetAside> => {
    // The next edition would begin after one of them, which would stay in force, and end the journal there again.
    if (later.some(({ sequence }) => sequence < lost.sequenceFirst)) throw stuck;
    return await beginNext(stuck);
  };
  if (isAtOnce) return await beginNext(new Error("no edition is left"));
  if (damaged === null) segment = await beginAnew();
  else if (corruption.soundEnd !== null) {
    await copyRange(fs, damaged.path, 0, corruption.soundEnd, damaged.path);
    await directory.syncNames();
    // What is kept is of an earlier edition. Without a file of the newest one, those that it has replaced would count.
    const { sequenceFirst } = corruption.lost;
    const isKept = ({ sequence }: NamedFile) => sequence < sequenceFirst;
    const kept = {
      segments: files.segments.filter((file) => !later.includes(file)),
      snapshots: files.snapshots.filter(isKept),
    };
    if (editionOf(kept) < editionOf(files)) return await beginNext(new Error("no edition is left"));
  } else {
    const moveTo = isCopied ? null : target;
    const isSameName = damaged.sequence === corruption.lost.sequenceFirst;
    // Until the fresh segment is there, the report records what is lost.
    const begun = isSameName
      ? await moveAway(directory, damaged, moveTo, beginAnew)
      : await beginBefore(directory, damaged, moveTo, beginAnew);
    ({ segment } = begun);
    // On FAT its name leads to the newer file until this sync, so that it would be there again after a power cut.
    if (segment !== null && isNewer(corruption)) await segment.sync();
    // Any other is a segment that is not needed from now on.
    if (begun.stuck !== null && isSameName) return await takeOver(begun.stuck);
    if (begun.stuck === null && !isCopied) quarantined.push(target!);
  }
  for (const part of [later.slice(0, -1), later.slice(-1)]) {
    const { targets, stuck } = await moveAside(directory, names, part);
    quarantined.push(...targets);
    if (stuck !== null) return await takeOver(stuck);
  }
  return { lost, segment };
}

/** Whether files of a newer version would stay in force once the first of its segments is replaced. */
function isOneOfSeveral(
  { snapshots }: StateFiles,
  { later, lost: { sequenceFirst } }: Corruption,
): boolean {
  return later.length > 0 || snapshots.some(({ sequence }) => sequence >= sequenceFirst);
}

/** What a corruption costs. */
export function lostRecords(corruption: Corruption, quarantined: string[]): LostRecords {
  const { lost, path, offset } = corruption;
  return { ...lost, path, offset, reason: reasonOf(corruption), quarantined };
}

/** Copies what the disk can read of a damaged segment; returns whether it could be opened. */
async function keepCopy(
  fs: DurableFs,
  damaged: NamedFile,
  { refusal }: Corruption,
  target: string,
): Promise<boolean> {
  // If it could be opened, the refusal has an offset.
  if (refusal !== null && refusal.offset === undefined) return false;
  await copyReadable(fs, damaged.path, target);
  return true;
}

/** The fresh segment, and why the damaged one can't be moved before fsck has run; `null` when it was moved. */
interface Begun {
  segment: SegmentWriter | null;
  stuck: unknown;
}

/**
 * Moves a damaged segment away, if it could not be copied, and begins a fresh one under its name. Nothing is begun when
 * it can't be moved.
 *
 * @param moveTo where the damaged segment goes; `null` when it was copied
 */
async function moveAway(
  directory: StateDirectory,
  damaged: NamedFile,
  moveTo: string | null,
  beginAnew: BeginAnew,
): Promise<Begun> {
  if (moveTo !== null) {
    const stuck = await whyStuck(() => directory.fs.rename(damaged.path, moveTo));
    if (stuck !== null) return { segment: null, stuck };
    await syncMoved(directory);
  }
  return { segment: await beginAnew(), stuck: null };
}

/**
 * Like {@linkcode moveAway} for a damaged segment with another name: begins a fresh one first, then moves the damaged
 * one.
 */
async function beginBefore(
  directory: StateDirectory,
  damaged: NamedFile,
  moveTo: string | null,
  beginAnew: BeginAnew,
): Promise<Begun> {
  const { fs } = directory;
  const segment = await beginAnew();
  const stuck = await whyStuck(() =>
    moveTo === null ? fs.remove(damaged.path) : fs.rename(damaged.path, moveTo)
  );
  if (stuck === null) await (moveTo === null ? directory.syncNames() : syncMoved(directory));
  return { segment, stuck };
}

/** Why only fsck can do what `step` does; `null` when it is done. */
async function whyStuck(step: () => MaybePromise<void>): Promise<unknown> {
  try {
    await step();
    return null;
  } catch (error) {
    if (!isStuck(error)) throw error;
    return error;
  }
}

/** Writes down what was lost. The file is durable, its name is not yet. */
export async function writeReport(
  directory: StateDirectory,
  names: QuarantineNames,
  lost: LostRecords,
): Promise<void> {
  const path = names.free(`lost-from-${lost.sequenceFirst}.json`);
  let file: DurableFile | undefined;
  try {
    file = await directory.fs.open(path, "create");
    await writeFully(file, new TextEncoder().encode(JSON.stringify(lost) + "\n"), 0);
    await file.syncAll();
  } catch (error) {
    throw ioError("write the report", path, error);
  } finally {
    await closeFile(file, path);
  }
}
