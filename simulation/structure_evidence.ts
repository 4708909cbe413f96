/**
 * What the files of a damaged directory still prove, worked out without the code under test: it knows every line that was
 * honestly written, looks for those lines, and needs no checksum.
 *
 * An open may end at a sequence without a word only if nothing in the directory proves that a later one had been
 * acknowledged. Proof is what docs/format.md calls proof:
 *
 * - a sound snapshot, and the name of a damaged one: it gets its name only once everything up to it is synced;
 * - the name of a segment: all records before it were synced when it was made;
 * - a batch under its own segment's header, wherever in the file: everything before the batch was synced;
 * - a seal under its own segment's header.
 *
 * So these states look like honest earlier ones, and the oracle lets them pass:
 *
 * - the newest segment's end is cut away at any byte, or put back as it was earlier, with every snapshot since;
 * - the newest segments are gone, with every snapshot since;
 * - the last batch, which no seal covers, is damaged;
 * - every file with a readable header is another journal's: then the directory is that journal's.
 *
 * A line counts with its line feed only. Lines under a header that is damaged or another file's prove nothing: their
 * checksums begin with their own header's.
 *
 * @module
 */

import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { filesOf, type GenuineSegment, type History, sameBytes } from "./structure_history.ts";

/** What a directory proves. */
export interface Evidence {
  /** The highest sequence that was certainly acknowledged. */
  proven: number;
  /** The highest sequence of a whole genuine batch, or of a name that may be made up. */
  found: number;
  /** How far a sound snapshot and the sound lines after it reach without a gap. */
  reach: number;
  /** The highest sequence in any name or at the beginning of any line. */
  mentioned: number;
  /** What is not as a writer or a power cut leaves it. While there is nothing, opening must succeed. */
  anomalies: string[];
  /** The journal that most headers under their own names belong to, or most of all headers when there are none. */
  owner: "own" | "other" | "contested" | "nobody";
}

interface SegmentView {
  path: string;
  first: number;
  text: string;
  genuine: GenuineSegment | null;
}

const latin1 = new TextDecoder("latin1");

/** Weighs what is left of `own` on a disk into which parts of `other` may have got. */
export function weigh(disk: PowerCutDisk, own: History, other: History): Evidence {
  const evidence: Evidence = {
    proven: 0,
    found: 0,
    reach: 0,
    mentioned: 0,
    anomalies: [],
    owner: ownerOf(disk, own, other),
  };
  const paths = filesOf(disk);
  const sequenceOf = (path: string) => Number(/(\d{16})\./.exec(path)![1]);
  let base = 0;
  let isFromSnapshot = false;
  for (const path of paths.filter((path) => path.endsWith(".snapshot.jsonl"))) {
    const sequence = sequenceOf(path);
    const bytes = disk.peek(path)!;
    const isSound = own.versions.get(path)?.some((version) => sameBytes(version, bytes)) ?? false;
    if (isSound) base = Math.max(base, sequence);
    isFromSnapshot ||= isSound;
    const header = headerOf(bytes);
    const owner = headerOwner(header, own, other);
    // Another journal's snapshot says nothing about this one; nor does a sound header under a name that is not its own.
    const isOursByName = isSound || owner === null || header.includes(`"sequence":${sequence},`);
    if (owner !== "other" && isOursByName && !isForeignJson(header)) {
      evidence.proven = Math.max(evidence.proven, sequence);
    } else evidence.anomalies.push(`${path} is not this journal's, or not of this sequence`);
    evidence.mentioned = Math.max(evidence.mentioned, sequence);
  }
  const segments = paths.filter((path) => path.endsWith(".wal.jsonl")).map((path) => {
    const text = latin1.decode(disk.peek(path)!);
    const first = sequenceOf(path);
    const header = text.slice(0, text.indexOf("\n") + 1);
    const genuine = own.segments.find((segment) => segment.header === header) ?? null;
    return { path, first, text, genuine: genuine?.first === first ? genuine : null };
  });
  const beginning = segments.findLast(({ first }) => first <= 1);
  const hasBeginning = isFromSnapshot || beginning === undefined || isBegun(beginning);
  if (!hasBeginning) evidence.anomalies.push("the initial state is not as it was written");
  for (const segment of segments) weighSegment(segment, evidence);
  evidence.reach = hasBeginning ? walk(segments, base, evidence, paths.length === 0) : 0;
  evidence.found = Math.max(evidence.found, evidence.proven);
  return evidence;
}

function ownerOf(disk: PowerCutDisk, own: History, other: History): Evidence["owner"] {
  const headers = filesOf(disk).map((path) => ({ path, header: headerOf(disk.peek(path)!) }))
    .map(({ path, header }) => ({
      owner: headerOwner(header, own, other),
      isPlaced: header.includes(
        `"${path.endsWith(".wal.jsonl") ? "first" : "sequence"}":${
          Number(/(\d{16})\./.exec(path)![1])
        },`,
      ),
      isKind: header.includes(path.endsWith(".wal.jsonl") ? '"journal"' : '"snapshot"'),
    })).filter(({ owner, isKind }) => owner !== null && isKind);
  const placed = headers.filter(({ isPlaced }) => isPlaced);
  const counted = placed.length > 0 ? placed : headers;
  const owns = counted.filter(({ owner }) => owner === "own").length;
  const others = counted.length - owns;
  if (counted.length === 0) return "nobody";
  return owns === others ? "contested" : owns > others ? "own" : "other";
}

function headerOf(bytes: Uint8Array): string {
  return latin1.decode(bytes.subarray(0, bytes.indexOf(10) + 1));
}

/** Whose header a line is, if it is a genuine one. */
function headerOwner(header: string, own: History, other: History): "own" | "other" | null {
  for (const [owner, history] of [["own", own], ["other", other]] as const) {
    for (const versions of history.versions.values()) {
      if (versions.some((version) => headerOf(version) === header)) return owner;
    }
  }
  return null;
}

/** Whether a first line is JSON that does not call itself ours: then the file never was. */
function isForeignJson(header: string): boolean {
  if (header.startsWith("//")) return true;
  try {
    return JSON.parse(header)?.ministate === undefined;
  } catch {
    return false;
  }
}

function weighSegment({ first, text, genuine }: SegmentView, evidence: Evidence): void {
  evidence.proven = Math.max(evidence.proven, first - 1);
  evidence.mentioned = Math.max(evidence.mentioned, first - 1);
  for (const [, sequence] of text.matchAll(/\[(\d{1,16}),/g)) {
    evidence.mentioned = Math.max(evidence.mentioned, Number(sequence));
  }
  for (const [, sequence] of text.matchAll(/\{"seal":(\d{1,16}),/g)) {
    evidence.mentioned = Math.max(evidence.mentioned, Number(sequence));
  }
  for (const batch of genuine?.batches ?? []) {
    if (!text.includes(batch.text)) continue;
    evidence.proven = Math.max(evidence.proven, batch.first - 1);
    evidence.found = Math.max(evidence.found, batch.last);
  }
  for (const seal of genuine?.seals ?? []) {
    if (text.includes(seal.text)) evidence.proven = Math.max(evidence.proven, seal.sequence);
  }
}

/** Whether a segment holds the initial state that it was written with, if any. */
function isBegun({ text, genuine }: SegmentView): boolean {
  return genuine === null || text.startsWith(genuine.header + genuine.initial);
}

/** Follows the journal from `base` on; returns how far it goes, and notes what differs from what was written. */
function walk(
  segments: SegmentView[],
  base: number,
  evidence: Evidence,
  isEmpty: boolean,
): number {
  const { anomalies } = evidence;
  const start = segments.findLastIndex(({ first }) => first <= base + 1);
  if (start < 0) {
    if (!isEmpty) anomalies.push("the segment after the snapshot is missing");
    return base;
  }
  let reach = base;
  for (const [index, segment] of segments.entries()) {
    if (index < start) continue;
    if (segment.genuine === null) {
      anomalies.push(`${segment.path} has a header that is not its own`);
      return reach;
    }
    if (hasDisplaced(segment.text, segment.genuine)) {
      anomalies.push(`${segment.path} has lines where the initial state should be`);
    }
    const { last, rest } = readOn(segment, segment.genuine);
    reach = Math.max(base, last);
    const next = segments[index + 1];
    if (hasGenuine(rest, last, segment.genuine)) {
      anomalies.push(`${segment.path} has sound lines after damage`);
      return reach;
    }
    if (next === undefined ? last < base : last !== next.first - 1) {
      anomalies.push(`${segment.path} ends at ${last}`);
      return reach;
    }
  }
  return reach;
}

/** Whether a batch or a seal begins where the initial state should be. */
function hasDisplaced(
  text: string,
  { header, initial, batches, seals }: GenuineSegment,
): boolean {
  return [...batches, ...seals].some((line) => {
    const at = text.indexOf(line.text, header.length);
    return at >= 0 && at < header.length + initial.length;
  });
}

/** Reads sound lines up to the first that is not. */
function readOn({ text, first }: SegmentView, genuine: GenuineSegment) {
  let at = genuine.header.length + genuine.initial.length;
  let last = first - 1;
  for (;;) {
    while (text[at] === "\n") at++;
    const found = genuine.batches.find((batch) =>
      batch.first === last + 1 && text.startsWith(batch.text, at)
    ) ?? genuine.seals.find((seal) =>
      seal.sequence === last && text.startsWith(seal.text, at)
    );
    if (found === undefined) return { last, rest: text.slice(at) };
    if ("last" in found) last = found.last;
    at += found.text.length;
  }
}

/**
 * Whether lines after the sound ones show that this is damage and not a torn tail: later ones anywhere, or any batch at
 * once. Earlier ones after rubbish are rubbish too: with or without them, nothing is missing.
 */
function hasGenuine(text: string, last: number, { batches, seals }: GenuineSegment): boolean {
  return batches.some((batch) =>
    batch.first > last ? text.includes(batch.text) : text.startsWith(batch.text)
  ) || seals.some((seal) => seal.sequence > last && text.includes(seal.text));
}
