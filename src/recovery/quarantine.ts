/**
 * Sets damaged and torn bytes aside, so that nothing is ever deleted that somebody might want to look at.
 *
 * @module
 */

import { closeFile } from "../close_file.ts";
import { copyRange } from "./copy_range.ts";
import type { DurableFile } from "../durable_fs.ts";
import { ioError, isDiskFull } from "../errors.ts";
import type { Corruption } from "./corruption.ts";
import { FILE_FAILURES } from "./identity.ts";
import type { SegmentEnd } from "./journal_scan.ts";
import { joinPath, type NamedFile, QUARANTINE, type StateFiles } from "../format/names.ts";
import type { LostRecords } from "./recovery_report.ts";
import { createAnew, writeFully } from "../journal/write_bytes.ts";
import type { StateDirectory } from "../state_directory.ts";

/** How many torn tails are kept; the oldest goes first. Power cuts are many, and cards are small. */
const TORN_KEPT = 16;

const TORN_NAME = /\.torn-\d+$/;

async function openQuarantine(directory: StateDirectory): Promise<string> {
  try {
    await directory.fs.makeDirectory(directory.quarantine);
    await directory.fs.syncDirectory(directory.path);
    const entries = await directory.fs.list(directory.path);
    // A link planted under this name would carry damaged files out of the state directory.
    if (!entries.some(({ name, kind }) => name === QUARANTINE && kind === "directory")) {
      throw Object.assign(new Error("ELOOP: not a directory"), { code: "ELOOP" });
    }
  } catch (error) {
    throw ioError("make the directory", directory.quarantine, error);
  }
  return directory.quarantine;
}

/**
 * Keeps the bytes of a torn tail before they are overwritten.
 *
 * @returns where they are; `null` when the disk is full: they were never acknowledged, and the state must open
 */
export async function keepTornTail(
  directory: StateDirectory,
  end: SegmentEnd,
): Promise<string | null> {
  try {
    const folder = await openQuarantine(directory);
    const target = joinPath(folder, `${end.named.name}.torn-${end.soundEnd}`);
    await copyRange(directory.fs, end.named.path, end.soundEnd, end.writtenEnd, target);
    await forgetOldTails(directory, folder, target);
    await directory.fs.syncDirectory(folder);
    return target;
  } catch (error) {
    if (isDiskFull(error)) return null;
    throw ioError("keep the torn tail of", end.named.path, error);
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
    if (path !== newest) await directory.fs.remove(path);
  }
}

/** Sorts torn tails as the journal grew: by segment, then by offset. */
function placeOf(name: string): string {
  const [segment, offset] = name.split(".torn-");
  return `${segment} ${offset!.padStart(16, "0")}`;
}

/** Moves a rotten snapshot aside. Returns where it is. */
export async function setSnapshotAside(
  directory: StateDirectory,
  snapshot: NamedFile,
): Promise<string> {
  const folder = await openQuarantine(directory);
  return await moveAside(directory, folder, snapshot);
}

async function moveAside(
  directory: StateDirectory,
  folder: string,
  file: NamedFile,
): Promise<string> {
  try {
    const target = joinPath(folder, await freeName(directory, folder, file.name));
    if (await copyAside(directory, folder, file, target)) await directory.fs.remove(file.path);
    else await directory.fs.rename(file.path, target);
    await directory.fs.syncDirectory(folder);
    await directory.fs.syncDirectory(directory.path);
    return target;
  } catch (error) {
    throw ioError("set aside", file.path, error);
  }
}

/**
 * Makes a durable copy. On FAT a power cut during a rename from one directory to another can leave the file in neither.
 *
 * @returns whether there is one; a file that can't be read, or has no space for a copy, can only be renamed
 */
async function copyAside(
  { fs }: StateDirectory,
  folder: string,
  { path }: NamedFile,
  target: string,
): Promise<boolean> {
  try {
    await copyRange(fs, path, 0, Infinity, target);
    await fs.syncDirectory(folder);
    return true;
  } catch (error) {
    const { systemCode } = ioError("copy", path, error);
    if (isDiskFull(error) || FILE_FAILURES.has(systemCode)) return false;
    throw error;
  }
}

/** A name that no earlier quarantine has used: nothing kept is ever replaced. */
async function freeName(directory: StateDirectory, folder: string, name: string): Promise<string> {
  const taken = new Set((await directory.fs.list(folder)).map((entry) => entry.name));
  for (let n = 1;; n++) {
    const candidate = n === 1 ? name : `${name}.${n}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/**
 * Sets aside everything from the damage on. Whenever the power goes, the next open finds the same damage again
 * or the work done, never a journal that looks sound and is shorter.
 *
 * 1. A copy of the damaged segment and a report, durable.
 * 2. The damaged segment is replaced, in one rename, by its sound part.
 * 3. Later segments are moved away, the earliest first: until the last one is gone, records are missing in front of it.
 *
 * When the damaged segment has no part that the state goes on from, `beginAnew` makes a fresh one in step 2.
 */
export async function setJournalAside(
  directory: StateDirectory,
  files: StateFiles,
  corruption: Corruption,
  beginAnew: () => Promise<void>,
): Promise<LostRecords> {
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
  beginAnew: () => Promise<void>,
): Promise<LostRecords> {
  const { fs } = directory;
  const folder = await openQuarantine(directory);
  const quarantined: string[] = [];
  const damaged = files.segments[corruption.index];
  if (damaged !== undefined) {
    const target = joinPath(folder, await freeName(directory, folder, damaged.name));
    await copyRange(directory.fs, damaged.path, 0, Infinity, target);
    quarantined.push(target);
  }
  const lost: LostRecords = {
    ...corruption.lost,
    path: corruption.path,
    offset: corruption.offset,
    reason: corruption.says,
    quarantined,
  };
  await writeReport(directory, folder, lost);
  await fs.syncDirectory(folder);
  if (damaged !== undefined && corruption.soundEnd !== null) {
    await copyRange(directory.fs, damaged.path, 0, corruption.soundEnd, damaged.path);
    await directory.syncNames();
  } else {
    await beginAnew();
    if (damaged !== undefined && damaged.sequence !== corruption.lost.sequenceFirst) {
      await fs.remove(damaged.path);
      await directory.syncNames();
    }
  }
  for (const later of files.segments.slice(corruption.index + 1)) {
    quarantined.push(await moveAside(directory, folder, later));
  }
  return lost;
}

async function writeReport(
  directory: StateDirectory,
  folder: string,
  lost: LostRecords,
): Promise<void> {
  const name = await freeName(directory, folder, `lost-from-${lost.sequenceFirst}.json`);
  const path = joinPath(folder, name);
  let file: DurableFile | undefined;
  try {
    file = await createAnew(directory.fs, path);
    await writeFully(file, new TextEncoder().encode(JSON.stringify(lost) + "\n"), 0);
    await file.syncAll();
  } catch (error) {
    throw ioError("write the report", path, error);
  } finally {
    await closeFile(file, path);
  }
}
