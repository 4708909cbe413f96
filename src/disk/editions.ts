/**
 * Decides which files count when a journal was continued beside damaged files that could not be moved away.
 *
 * @module
 */

import type { NamedFile, SortedNames, StateFiles } from "./names.ts";

/** The edition that new files belong to. */
export function editionOf({ segments, snapshots }: SortedNames): number {
  return [...segments, ...snapshots].reduce((newest, { edition }) => Math.max(newest, edition), 1);
}

/** The edition as a header has it, which leaves out the first one. */
export function headerEdition({ edition }: { edition: number }): number | undefined {
  return edition === 1 ? undefined : edition;
}

/**
 * Leaves out files that later editions have replaced. A segment replaces all files of earlier editions that belong to
 * its first sequence or a later one. A snapshot replaces those of its own sequence.
 *
 * A segment that begins an edition is synced under its name before anything relies on it. So an empty one of an edition
 * that no other file has replaces nothing: it was never begun, and counts as unfinished.
 *
 * @param empty segments without a byte
 * @param copies snapshots of another edition, according to their headers: they are as good as replaced
 */
export function newestEditions(
  sorted: SortedNames,
  empty: ReadonlySet<NamedFile>,
  copies: ReadonlySet<NamedFile>,
): StateFiles {
  const snapshots = sorted.snapshots.filter((file) => !copies.has(file));
  const written = sorted.segments.filter((file) => !empty.has(file));
  const begun = editionOf({ ...sorted, segments: written, snapshots });
  const isUnbegun = (file: NamedFile) => file.edition > begun;
  const temporary = [...sorted.temporary];
  for (const file of sorted.segments) if (isUnbegun(file)) temporary.push(file.path);
  const segments = sorted.segments.filter((file) => !isUnbegun(file));
  const isSegment = new Set(segments);
  const superseded = new Set<NamedFile>(copies);
  /** Where later editions begin, and where the current edition begins, which does not affect its own files. */
  let end = Infinity, start = Infinity;
  let edition = Infinity;
  const snapshotted = new Set<number>();
  const all = [...segments, ...snapshots].sort((a, b) => b.edition - a.edition);
  for (const file of begun === 1 ? [] : all) {
    if (file.edition < edition) end = Math.min(end, start);
    edition = file.edition;
    const isTaken = !isSegment.has(file) && snapshotted.has(file.sequence);
    if (file.sequence >= end || isTaken) superseded.add(file);
    if (isSegment.has(file)) start = Math.min(start, file.sequence);
    else snapshotted.add(file.sequence);
  }
  const counts = (file: NamedFile) => !superseded.has(file);
  return {
    ...sorted,
    temporary,
    segments: segments.filter(counts),
    snapshots: snapshots.filter(counts),
    superseded: [...superseded],
  };
}
