/**
 * Names and sizes of the files beside the journal: those set aside and those never finished.
 *
 * @module
 */

import type { DirectoryEntry, DurableFs } from "../durable_fs.ts";
import { MinistateError } from "../errors.ts";
import { ioError } from "../failures.ts";
import type { Finding, SpareFile } from "./inspection.ts";
import { isQuarantine, joinPath, LOCK_NAME, QUARANTINE } from "../disk/names.ts";
import { isStuck, isUnreadable } from "../disk/refusals.ts";

/** The files that recovery has set aside; none when no folder exists, or only some that can't be read. */
export async function listQuarantine(fs: DurableFs, directory: string): Promise<SpareFile[]> {
  const found: SpareFile[] = [];
  for (const { name: folder } of (await listIfThere(fs, directory)).sort(byName)) {
    if (!isQuarantine(folder)) continue;
    const path = joinPath(directory, folder);
    const entries = (await listIfThere(fs, path)).filter(({ kind }) => kind === "file");
    const files = await sizesOf(fs, entries.sort(byName).map(({ name }) => joinPath(path, name)));
    const prefix = folder === QUARANTINE ? "" : `${folder}/`;
    found.push(...files.map(({ name, size }) => ({ name: prefix + name, size })));
  }
  return found;
}

const byName = (a: DirectoryEntry, b: DirectoryEntry) => a.name < b.name ? -1 : 1;

/** Lists a folder; nothing when it isn't there or can't be read. */
export async function listIfThere(fs: DurableFs, path: string): Promise<DirectoryEntry[]> {
  try {
    return await fs.list(path);
  } catch (error) {
    const failure = ioError("list", path, error);
    if (failure.systemCode === "ENOENT" || isUnreadable(failure)) return [];
    throw failure;
  }
}

/** Notices about files and folders of ours that only fsck can mend, and that are not part of the journal. */
export async function stuckFindings(fs: DurableFs, directory: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { name } of (await listIfThere(fs, directory)).sort(byName)) {
    const path = joinPath(directory, name);
    const note = name === LOCK_NAME
      ? await isRefused(() => fs.identity(path)) && LOCK_STUCK
      : isQuarantine(name) && await isRefused(() => fs.list(path)) && QUARANTINE_STUCK;
    if (!note) continue;
    const nowhere = { offset: null, sequence: null, sequenceLast: null };
    findings.push({ severity: "notice", path, ...nowhere, reason: note, needed: false });
  }
  return findings;
}

const LOCK_STUCK =
  "the file system refuses to look at the lock file: writers lock the directory alone; run fsck";
const QUARANTINE_STUCK =
  "the file system refuses to list this folder: damaged files go to another one; run fsck";

async function isRefused(step: () => unknown): Promise<boolean> {
  try {
    await step();
    return false;
  } catch (error) {
    return isStuck(error);
  }
}

/** Names and sizes of files that others may rename or delete at any time. */
export async function sizesOf(fs: DurableFs, paths: string[]): Promise<SpareFile[]> {
  const found: SpareFile[] = [];
  for (const path of paths) {
    try {
      found.push({
        name: path.slice(path.lastIndexOf("/") + 1),
        size: await sizeIfReadable(fs, path),
      });
    } catch (error) {
      // An unfinished file may get its name or disappear at any moment.
      if (!(error instanceof MinistateError) || error.systemCode !== "ENOENT") throw error;
    }
  }
  return found;
}

/** Like `sizeOf`; 0 when the disk refuses to read even the size. */
export async function sizeIfReadable(fs: DurableFs, path: string): Promise<number> {
  try {
    return await sizeOf(fs, path);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return 0;
  }
}

/** The size of one file in bytes. */
async function sizeOf(fs: DurableFs, path: string): Promise<number> {
  try {
    const file = await fs.open(path, "read");
    try {
      return await file.size();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw ioError("read", path, error);
  }
}
