/**
 * Reads snapshots, each once, and keeps what decisions need to know about them.
 *
 * @module
 */

import { closeFile } from "../disk/close_file.ts";
import { sizeIfGiven } from "../disk/header_file.ts";
import type { NamedFile, StateFiles } from "../disk/names.ts";
import type { Pieces } from "../disk/pieces.ts";
import { isFilesOwn, isUnreadable, readPatiently } from "../disk/refusals.ts";
import type { DurableFs } from "../durable_fs.ts";
import { CorruptionError, IoError, MinistateError, TooNewError } from "../errors.ts";
import type { SnapshotHeader } from "../format/format.ts";
import { pointOf } from "../format/history_point.ts";
import type { SkippedSnapshot } from "./report.ts";
import type { ReplayStart } from "./survey.ts";
import {
  openSnapshot,
  readOpened,
  type SnapshotReading,
  verifyOpened,
} from "../snapshot/snapshot_file.ts";

/** What is known about one snapshot. */
export interface SnapshotFacts {
  file: NamedFile;
  /** Its size in bytes; 0 when it can't be opened. */
  size: number;
  /** `null` when its first line can't be used. */
  header: SnapshotHeader | null;
  /** Why it can't be used; `null` when it is sound to the last byte. */
  failure: MinistateError | null;
}

/** A sound snapshot, with its state. */
export interface FoundSnapshot extends SnapshotReading {
  file: NamedFile;
}

/** Whether a snapshot is sound and belongs to the journal; `null` accepts any journal. */
export function isUsable({ failure, header }: SnapshotFacts, id: string | null): boolean {
  return failure === null && (id === null || header!.id === id);
}

/** Where replay starts with a usable snapshot, or without one. */
export function startAt(snapshot: SnapshotFacts | undefined): ReplayStart {
  if (snapshot === undefined) return { sequence: 0, checksum: null, snapshot: null };
  return { ...pointOf(snapshot.header!), snapshot: snapshot.file };
}

/** What a report says about a snapshot that can't be used. */
export function skippedSnapshot({ file, failure }: SnapshotFacts): SkippedSnapshot {
  const reason = failure?.message ?? ANOTHER_JOURNAL;
  return { path: file.path, sequence: file.sequence, reason };
}

/** What is wrong with a sound snapshot that can't be used. */
export const ANOTHER_JOURNAL = "it belongs to another journal";

/**
 * The sequence that an unusable snapshot still proves to have been acknowledged; 0 when it proves none. It got its name
 * only once everything up to that sequence was synced. A journal that ends earlier has lost records, even though the
 * snapshot can't restore them.
 */
export function provenSequence(
  { file, header, failure }: SnapshotFacts,
  id: string | null,
): number {
  // A directory or a link under this name, or a file that was never ours, is not a damaged snapshot.
  if (failure instanceof IoError) return isUnreadable(failure) ? file.sequence : 0;
  if (failure instanceof TooNewError) return file.sequence;
  if (!(failure instanceof CorruptionError)) return 0;
  if (header === null) return file.sequence;
  // Even if it was renamed, it belongs to the sequence in its header.
  return id === null || header.id === id ? header.sequence : 0;
}

/** How to read a snapshot. */
export interface SnapshotReadingOptions {
  /** Whether to build its state; otherwise its bytes are verified only. */
  build: boolean;
  /** How much to read at once. */
  pieces?: Pieces | undefined;
}

/**
 * Reads a snapshot to its last byte.
 *
 * @returns what is known about it, and what it holds if it is sound and its state was built
 * @throws {TooNewError} when a newer version wrote it: using an older one would silently step back
 * @throws {IoError} when the operating system refuses for a reason other than the file itself: it may be fine
 */
export async function readSnapshotFacts(
  fs: DurableFs,
  file: NamedFile,
  { build, pieces }: SnapshotReadingOptions,
): Promise<{ facts: SnapshotFacts; found: FoundSnapshot | null }> {
  let size = 0;
  let header: SnapshotHeader | null = null;
  const readOnce = async (): Promise<FoundSnapshot | null> => {
    const opened = await openSnapshot(fs, file);
    try {
      size = await sizeIfGiven(opened, file);
      header = opened.reading.kind === "sound" ? opened.reading.header : null;
      if (build) return { file, ...await readOpened(fs, file, opened, pieces) };
      await verifyOpened(fs, file, opened);
      return null;
    } finally {
      await closeFile(opened.handle, file.path);
    }
  };
  try {
    const found = await readPatiently(readOnce);
    return { facts: { file, size, header, failure: null }, found };
  } catch (error) {
    if (!(error instanceof MinistateError) || error instanceof TooNewError) throw error;
    if (error instanceof IoError && !isFilesOwn(error)) throw error;
    return { facts: { file, size, header, failure: error }, found: null };
  }
}

/** Which snapshot to look for, and how to read it. */
export interface NewestSnapshotOptions {
  atMost?: number;
  versionMax?: number;
  pieces?: Pieces | undefined;
}

/** The reason given for not using a file of a later version of the mutator. */
export function laterVersion(version: number, versionMax: number): string {
  return `version ${version} of the mutator wrote it, and this is version ${versionMax}`;
}

/** What a snapshot means to a version of the mutator: one that a later version wrote can't be used. */
export function factsFor(facts: SnapshotFacts, versionMax: number): SnapshotFacts {
  const { file: { path }, header } = facts;
  if (header === null || header.version <= versionMax) return facts;
  return { ...facts, failure: new TooNewError(laterVersion(header.version, versionMax), { path }) };
}

/**
 * Reads snapshots, the newest first, until one is usable, and builds its state.
 *
 * @param id the journal they must belong to; `null` accepts any
 * @param options.atMost only snapshots of this sequence or an earlier one
 * @param options.versionMax the latest version of the mutator whose snapshots are used
 * @param options.pieces how much to read at once
 * @returns the usable one, and what is known about those that were read, the oldest first
 * @throws {TooNewError} when a newer version wrote one of them
 * @throws {IoError} when the operating system refuses for a reason other than the file itself
 */
export async function readNewestSnapshot(
  fs: DurableFs,
  { snapshots }: StateFiles,
  id: string | null,
  { atMost = Infinity, versionMax = Infinity, pieces }: NewestSnapshotOptions = {},
): Promise<{ found: FoundSnapshot | null; read: SnapshotFacts[] }> {
  const read: SnapshotFacts[] = [];
  for (const file of snapshots.toReversed()) {
    if (file.sequence > atMost) continue;
    const { facts, found } = await readSnapshotFacts(fs, file, { build: true, pieces });
    read.unshift(factsFor(facts, versionMax));
    if (isUsable(read[0]!, id)) return { found, read };
  }
  return { found: null, read };
}
