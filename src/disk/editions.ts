/**
 * Decides which files count when a journal was continued beside damaged files that could not be moved away.
 *
 * @module
 */

import type { NamedFile, StateFiles } from "./names.ts";

/** The edition that new files belong to. */
export function editionOf({ segments, snapshots }: StateFiles): number {
  return [...segments, ...snapshots].reduce((newest, { edition }) => Math.max(newest, edition), 1);
}

/**
 * Leaves out files that later editions have replaced. A segment replaces all files of earlier editions that belong to
 * its first sequence or a later one. A snapshot replaces those of its own sequence.
 *
 * @param segments in ascending order, like `snapshots`
 */
export function newestEditions(
  segments: NamedFile[],
  snapshots: NamedFile[],
): Pick<StateFiles, "segments" | "snapshots" | "superseded"> {
  const all = [...segments, ...snapshots];
  if (all.every(({ edition }) => edition === 1)) return { segments, snapshots, superseded: [] };
  const superseded = new Set<NamedFile>();
  const isSegment = new Set(segments);
  /** Where later editions begin, and where the current edition begins, which does not affect its own files. */
  let end = Infinity, start = Infinity;
  let edition = Infinity;
  const snapshotted = new Set<number>();
  for (const file of all.sort((a, b) => b.edition - a.edition)) {
    if (file.edition < edition) end = Math.min(end, start);
    edition = file.edition;
    const isTaken = !isSegment.has(file) && snapshotted.has(file.sequence);
    if (file.sequence >= end || isTaken) superseded.add(file);
    if (isSegment.has(file)) start = Math.min(start, file.sequence);
    else snapshotted.add(file.sequence);
  }
  const counts = (file: NamedFile) => !superseded.has(file);
  return {
    segments: segments.filter(counts),
    snapshots: snapshots.filter(counts),
    superseded: [...superseded],
  };
}
