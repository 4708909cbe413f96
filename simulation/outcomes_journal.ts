/**
 * Reads what a state directory says about outcomes, without the code under test: the lines that docs/format.md
 * describes, up to the first that is not sound.
 *
 * @module
 */

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import type { By, Purse } from "./outcomes_program.ts";

/** The first and the last sequence of something. */
export type Span = readonly [first: number, last: number];

/** One mutation in the journal. */
export interface FoundRecord {
  mutation: By;
  version: number;
}

/** One snapshot. */
export interface FoundSnapshot {
  sequence: number;
  version: number;
  state: Purse;
}

/** What a directory says. */
export interface Found {
  /** The first sequence that is kept, if there is any. */
  first: number;
  /** The last one; 0 when there is nothing. */
  last: number;
  /** The kept mutations, by sequence. */
  records: Map<number, FoundRecord>;
  /** The calls with several mutations, as the lines say. */
  groups: Span[];
  /** What any line lists as refused. */
  refused: Set<number>;
  /** What the lines after the last batch list as refused; `null` when none does. */
  listed: Span[] | null;
  /** The last batch, when no line after it says what became of it. */
  undecided: Span | null;
  /** The highest version in any header. */
  version: number;
  /** The oldest first. */
  snapshots: FoundSnapshot[];
}

interface ControlLine {
  crc: string;
  first: number;
  sequence: number;
  version: number;
  seal: number;
  end: number;
  refused?: Span[];
  undecided?: boolean;
}

const LINE_FEED = 10;
const utf8 = new TextDecoder();
const BATCH_END = /^(.*,)"([0-9a-f]{8})"\]$/;
const CONTROL_END = /^(.*),"crc":"([0-9a-f]{8})"\}$/;

/** Reads all segments and snapshots in `directory`. */
export function readOutcomes(disk: PowerCutDisk, directory: string): Found {
  const found: Found = {
    first: 1,
    last: 0,
    records: new Map(),
    groups: [],
    refused: new Set(),
    listed: null,
    undecided: null,
    version: 0,
    snapshots: [],
  };
  const paths = disk.paths(directory).filter((path) => /^[^/]*$/.test(nameIn(path, directory)));
  for (const path of paths.filter((path) => path.endsWith(".snapshot.jsonl"))) {
    const snapshot = readSnapshot(textOf(disk.peek(path)!));
    if (snapshot === null) continue;
    found.snapshots.push(snapshot);
    found.version = Math.max(found.version, snapshot.version);
  }
  const segments = paths.filter((path) => path.endsWith(".wal.jsonl"));
  for (const [i, path] of segments.entries()) {
    const isSound = readSegment(textOf(disk.peek(path)!), found, i === 0);
    // Right after it got its name, a FAT file system may leave it empty.
    assert(isSound || i === segments.length - 1, `${path} has no sound header`);
  }
  return found;
}

/** What is written, without all but one of the line feeds ahead. */
function textOf(bytes: Uint8Array): string {
  let end = bytes.length;
  while (bytes[end - 2] === LINE_FEED) end--;
  return utf8.decode(bytes.subarray(0, end));
}

function nameIn(path: string, directory: string): string {
  return path.slice(directory.length + 1);
}

function readSegment(text: string, found: Found, isFirst: boolean): boolean {
  const [start = "", ...rest] = text.split("\n");
  const header = controlLine(start, 0);
  if (header === null) return false;
  // The initial state ends with a line of its own.
  const lines = rest.slice(rest.findIndex((line) => line.startsWith('{"initial":')) + 1);
  const seed = parseInt(header.crc, 16);
  if (isFirst) {
    found.first = header.first;
    found.last = header.first - 1;
  }
  assert.equal(header.first, found.last + 1, "a segment begins elsewhere");
  found.version = Math.max(found.version, header.version);
  if (header.undecided !== true) decide(found, header.refused);
  let batch: string[] = [];
  // Without its line feed, a line is not sound.
  for (const line of lines.slice(0, -1)) {
    if (line === "") continue;
    if (line.startsWith("{")) {
      const seal = controlLine(line, seed);
      if (seal?.seal !== found.last || batch.length > 0) return true;
      if (seal.undecided !== true) decide(found, seal.refused);
      continue;
    }
    batch.push(line);
    const [, open, checksum] = BATCH_END.exec(line) ?? [];
    const before = batch.slice(0, -1).map((line) => `${line}\n`).join("");
    if (open === undefined || parseInt(checksum!, 16) !== crc32(before + open, seed)) continue;
    readBatch(batch, header.version, found);
    batch = [];
  }
  return true;
}

function readBatch(lines: string[], version: number, found: Found): void {
  const first = found.last + 1;
  const last = found.last;
  const records: unknown[][] = lines.map((line) => JSON.parse(line));
  for (const [sequence, mutation] of records) {
    assert.equal(sequence, ++found.last, "a record has another sequence");
    found.records.set(found.last, { mutation: mutation as By, version });
  }
  const [, , horizon, , notes] = records.at(-1)!;
  assert.equal(horizon, first - 1, "a batch has another horizon");
  const { groups = [], refused } = typeof notes === "object"
    ? notes as { groups?: Span[]; refused?: Span[] }
    : {};
  for (const [from, to] of groups) {
    assert(from >= first && to > from && to <= found.last, `no group of its batch: ${from}-${to}`);
    found.groups.push([from, to]);
  }
  decide(found, refused, last);
  found.listed = null;
  found.undecided = [first, found.last];
}

/** Notes what a line lists as refused: all of the batch before it, in each line between that and the next batch. */
function decide(found: Found, refused: Span[] = [], last = found.last): void {
  if (found.listed !== null) {
    assert.deepEqual(refused, found.listed, "two lines list different mutations as refused");
  }
  for (const [from, to] of refused) {
    assert(from <= to && to <= last, `refused before it is there: ${from}-${to} of ${last}`);
    for (let sequence = from; sequence <= to; sequence++) found.refused.add(sequence);
  }
  found.listed = refused;
  found.undecided = null;
}

function controlLine(line: string, seed: number): ControlLine | null {
  const [, open, checksum] = CONTROL_END.exec(line) ?? [];
  if (open === undefined || parseInt(checksum!, 16) !== crc32(open, seed)) return null;
  return JSON.parse(line);
}

/** Reads a snapshot whose state fits in one line; `null` when it is not sound. */
function readSnapshot(text: string): FoundSnapshot | null {
  const [start = "", body = "", end = ""] = text.split("\n");
  const header = controlLine(start, 0);
  if (header === null) return null;
  const last = controlLine(end, crc32(`${body}\n`, parseInt(header.crc, 16)));
  if (last === null) return null;
  assert.equal(last.end, 1, "the model reads states of one line only");
  const { sequence, version } = header;
  return { sequence, version, state: JSON.parse(body)[1] };
}
