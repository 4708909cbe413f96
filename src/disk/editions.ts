/**
 * Decides which files count when a journal was continued beside damaged files that could not be moved away.
 *
 * @module
 */

import { EDITION_FIRSTS_MAX, NOT_BEGUN } from "../format/format.ts";
import type { NamedFile, SortedNames, StateFiles } from "./names.ts";

/** An edition, and where it and those before it began. */
export interface Editions {
  edition: number;
  /** The first sequence of each of the newest editions, this one's last. Edition 1 needs none. */
  editionFirsts: readonly number[];
  /** Whether its id was drawn when no header could be read: files of earlier editions may have another. */
  idRenewed?: boolean;
}

/** The edition that new files belong to. */
export function editionOf(
  { segments, snapshots }: Pick<SortedNames, "segments" | "snapshots">,
): number {
  return [...segments, ...snapshots].reduce((newest, { edition }) => Math.max(newest, edition), 1);
}

/** What a header says about its edition: in the first one nothing, unless its id was drawn again. */
export function headerEdition({ edition, editionFirsts, idRenewed }: Editions): Partial<Editions> {
  const renewed = idRenewed === true ? { idRenewed } : {};
  return edition === 1 ? renewed : { edition, editionFirsts, ...renewed };
}

/** The same in a later edition, which no segment has begun yet. */
export function inEdition<T extends Editions>(own: T, edition: number): T {
  const editionFirsts = [...own.editionFirsts];
  for (let next = own.edition; next < edition; next++) editionFirsts.push(NOT_BEGUN);
  return { ...own, edition, editionFirsts: editionFirsts.slice(-EDITION_FIRSTS_MAX) };
}

/** The same once there is a segment of its edition that begins with `first`. */
export function begunAt<T extends Editions>(own: T, first: number): T {
  const newest = own.editionFirsts.at(-1);
  if (newest === undefined || newest <= first) return own;
  return { ...own, editionFirsts: [...own.editionFirsts.slice(0, -1), first] };
}

/** Whether the beginning of every edition after a file's own is known, and so whether it is known that the file counts. */
export function isSettled(file: { edition: number }, { edition }: { edition: number }): boolean {
  return file.edition >= edition - EDITION_FIRSTS_MAX;
}

/** What the headers of files of later editions reveal. */
export interface EditionFacts {
  /** Segments without a byte. */
  empty: ReadonlySet<NamedFile>;
  /** Files that only have the name of a later edition: copies of a snapshot, and another journal's files. */
  strange: ReadonlySet<NamedFile>;
  /** Whether nothing decides whose directory it is. Then no file replaces another: all are needed to see that. */
  contested: boolean;
  /** Where editions began, whether or not the segments that began them are still there. */
  begun: ReadonlyMap<number, number>;
  /** Whether the id of those files was drawn when no header could be read. */
  idRenewed: boolean;
}

/**
 * Leaves out files that later editions have replaced. A segment replaces all files of earlier editions that belong to
 * its first sequence or a later one, even after it was deleted: the headers of its edition say where that began. A
 * snapshot replaces those of its own sequence. Strange files replace nothing, and are treated as replaced.
 *
 * A segment that begins an edition is synced under its name before anything relies on it. So an empty one of an edition
 * that no other file has replaces nothing: it was never begun, and counts as unfinished.
 */
export function newestEditions(
  sorted: SortedNames,
  { empty, strange, contested, begun, idRenewed }: EditionFacts,
): StateFiles {
  const isOurs = (file: NamedFile) => !strange.has(file);
  const snapshots = sorted.snapshots.filter(isOurs);
  const ours = sorted.segments.filter(isOurs);
  const edition = editionOf({ segments: ours.filter((file) => !empty.has(file)), snapshots });
  const isBegun = (file: NamedFile) => file.edition <= edition;
  const segments = ours.filter(isBegun);
  const unbegun = ours.filter((file) => !isBegun(file)).map(({ path }) => path);
  const firsts = firstsOf(segments, begun);
  const superseded = edition === 1 || contested
    ? new Set<NamedFile>()
    : findReplaced(segments, snapshots, firsts);
  const counts = (file: NamedFile) => !superseded.has(file);
  return {
    ...sorted,
    temporary: [...sorted.temporary, ...unbegun],
    segments: segments.filter(counts),
    snapshots: snapshots.filter(counts),
    superseded: contested ? [] : [...strange, ...superseded],
    editionFirsts: editionFirstsOf(edition, firsts),
    idRenewed,
  };
}

/** Where each later edition is known to begin, by its segments' names and by what headers say. */
function firstsOf(
  segments: readonly NamedFile[],
  begun: ReadonlyMap<number, number>,
): Map<number, number> {
  const firsts = new Map(begun);
  for (const { edition, sequence } of segments) {
    if (edition > 1) firsts.set(edition, Math.min(firsts.get(edition) ?? NOT_BEGUN, sequence));
  }
  return firsts;
}

function findReplaced(
  segments: readonly NamedFile[],
  snapshots: readonly NamedFile[],
  firsts: ReadonlyMap<number, number>,
): Set<NamedFile> {
  const replaced = new Set<NamedFile>();
  const retaken = new Map<number, number>();
  for (const { sequence, edition } of snapshots) {
    retaken.set(sequence, Math.max(retaken.get(sequence) ?? 1, edition));
  }
  const left = [...firsts].sort(([one], [other]) => other - one);
  /** Where the earliest of all later editions begins. */
  let end = Infinity;
  const all = [...segments, ...snapshots].sort((a, b) => b.edition - a.edition);
  const isSnapshot = new Set(snapshots);
  for (const file of all) {
    while (left.length > 0 && left[0]![0] > file.edition) end = Math.min(end, left.shift()![1]);
    const isRetaken = isSnapshot.has(file) && retaken.get(file.sequence)! > file.edition;
    if (file.sequence >= end || isRetaken) replaced.add(file);
  }
  return replaced;
}

/** The beginnings that headers of `edition` name. One that is unknown is given as that of the next, which is neutral. */
function editionFirstsOf(edition: number, firsts: ReadonlyMap<number, number>): number[] {
  const found: number[] = [];
  for (let at = edition; at > 1 && found.length < EDITION_FIRSTS_MAX; at--) {
    found.unshift(firsts.get(at) ?? found[0] ?? NOT_BEGUN);
  }
  return found;
}
