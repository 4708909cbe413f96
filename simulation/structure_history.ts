/**
 * Short random histories for the structure fuzzer: a state directory as some program left it, every version that each
 * of its files ever had, and what each of its lines is worth as evidence.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { assertRejects } from "@std/assert";
import fc from "fast-check";
import {
  MutationRejectedError,
  StateManager,
  type StateManagerOptions,
} from "@ministate/ministate";
import type { DurableFs, MutationContext } from "@ministate/ministate";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { checksumOf, controlLine } from "../test/support/files.ts";
import { type Add, all, collector, DIRECTORY, type Ids, type Manager, NAME } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** One thing a program does. */
export type Step =
  | { do: "one"; padSize: number }
  | { do: "group"; count: number }
  | { do: "together"; count: number }
  | { do: "refused"; count: number }
  | { do: "snapshot" | "compact" | "close and open" | "crash and open" };

/** What a history is made from. */
export interface Script {
  steps: Step[];
  /** Whether the program closed the journal at the end, which seals it. */
  sealed: boolean;
}

/** Lines of one segment that belong in it. */
export interface GenuineSegment {
  path: string;
  first: number;
  header: string;
  /** The lines of the initial state after it; empty when there are none. */
  initial: string;
  batches: { text: string; first: number; last: number }[];
  seals: { text: string; sequence: number }[];
}

/** A state directory and its past. */
export interface History {
  disk: PowerCutDisk;
  /** The mutations, in order: all of them acknowledged, and `null` for each that was refused. */
  ids: (number | null)[];
  /** Every version of every file that ever existed, oldest first, by path. Empty space at the ends is shortened. */
  versions: Map<string, Uint8Array[]>;
  segments: GenuineSegment[];
}

/** How much of the line feeds written ahead is left in place: enough to be damaged. */
const FILL_KEPT = 40;

const LINE_FEED = 10;
const latin1 = new TextDecoder("latin1");
const utf8 = new TextEncoder();

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("one" as const),
      // Mostly short; now and then longer than a single read, so that a segment is full after a few.
      padSize: fc.oneof(
        { weight: 12, arbitrary: fc.constant(0) },
        { weight: 3, arbitrary: fc.integer({ min: 1, max: 900 }) },
        { weight: 1, arbitrary: fc.constant(40_000) },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("group" as const),
      count: fc.integer({ min: 2, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("together" as const),
      count: fc.integer({ min: 2, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("refused" as const),
      count: fc.integer({ min: 1, max: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("snapshot" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("compact" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close and open" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash and open" as const) }) },
);

/** Any short history. */
export const scripts: fc.Arbitrary<Script> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 12 }),
  sealed: fc.boolean(),
});

/**
 * Writes a history.
 *
 * @param id the journal's identity, fixed so that a seed gives the same bytes again
 * @param foreign whether its mutations should differ from those of other histories
 */
export async function writeHistory(
  { steps, sealed }: Script,
  id: string,
  foreign = false,
): Promise<History> {
  const writer = new Writer(foreign ? 1000 : 1);
  const versions = new Map<string, Uint8Array[]>();
  let fs = freshDisk();
  fs.plantDirectory(DIRECTORY);
  fs.plant(`${DIRECTORY}/w-0000000000000001.wal.jsonl`, utf8.encode(beginning(id)));
  let manager = await openRefusing(fs, { clock: () => 0 });
  for (const step of steps) {
    if (step.do === "close and open" || step.do === "crash and open") {
      if (step.do === "close and open") await manager.close();
      noteVersions(fs, versions);
      fs = fs.crash();
      manager = await openRefusing(fs, { segmentSizeMax: 65_536, clock: () => 0 });
    } else await writer.take(step, manager);
    noteVersions(fs, versions);
  }
  if (sealed) await manager.close();
  noteVersions(fs, versions);
  const disk = fs.crash();
  for (const path of filesOf(disk)) disk.plant(path, versions.get(path)!.at(-1)!);
  return { disk, ids: writer.ids, versions, segments: genuineSegments(versions) };
}

/** Like the collector, but a mutation can ask to be refused once it has changed the state. */
const refusing = {
  ...collector,
  apply(state: Ids, mutation: Add & { refuse?: true }, context: MutationContext): number {
    const count = collector.apply(state, mutation, context);
    if (mutation.refuse) throw new RangeError("as it asked");
    return count;
  },
};

/** Opens a state of which mutations can be refused. */
export function openRefusing(
  fs: DurableFs,
  options: StateManagerOptions,
): Promise<Manager> {
  return StateManager.open(DIRECTORY, NAME, refusing, { compaction: "manual", ...options, fs });
}

/** Makes mutations and notes their outcomes. */
class Writer {
  readonly ids: (number | null)[] = [];
  #next: number;

  constructor(idFirst: number) {
    this.#next = idFirst;
  }

  async take(step: Step, manager: Manager): Promise<void> {
    if (step.do === "snapshot") await manager.createSnapshot();
    else if (step.do === "compact") await manager.compact();
    else if (step.do === "one") await manager.apply(this.#draw(step.padSize));
    else if (step.do === "group") {
      await manager.applyAll(Array.from({ length: step.count }, () => this.#draw()));
    } else if (step.do === "together") {
      await all(Array.from({ length: step.count }, () => manager.apply(this.#draw())));
    } else if (step.do === "refused") {
      const mutations = Array.from(
        { length: step.count },
        () => ({ id: 0, refuse: true as const }),
      );
      for (const _mutation of mutations) this.ids.push(null);
      await assertRejects(() => manager.applyAll(mutations), MutationRejectedError);
    }
  }

  #draw(padSize = 0): Add {
    const id = this.#next++;
    this.ids.push(id);
    return padSize === 0 ? { id } : { id, pad: `${id}`.padStart(padSize, ".") };
  }
}

/** The beginning of a journal: its header and the initial state. */
function beginning(id: string): string {
  const state = `${JSON.stringify([[], collector.initial()])}\n`;
  const endSize = controlLine({ initial: 1 }).length;
  const header = controlLine({
    ministate: "journal",
    format: 1,
    id,
    first: 1,
    mutator: "collector",
    version: 1,
    timestamp: 0,
    initial: state.length + endSize,
  });
  return header + state + controlLine({ initial: 1 }, crc32(state, checksumOf(header)));
}

/** The paths of all segments and snapshots on a disk. */
export function filesOf(disk: PowerCutDisk): string[] {
  return disk.paths(DIRECTORY).filter((path) =>
    path.endsWith(".jsonl") && !path.includes("/quarantine/") && disk.peek(path) !== null
  );
}

function noteVersions(fs: PowerCutDisk, versions: Map<string, Uint8Array[]>): void {
  for (const path of filesOf(fs)) {
    const bytes = fs.peek(path)!;
    let written = bytes.length;
    while (bytes[written - 1] === LINE_FEED) written--;
    const kept = bytes.slice(0, written + 1 + FILL_KEPT);
    const contents = versions.get(path) ?? [];
    if (contents.length === 0 || !sameBytes(contents.at(-1)!, kept)) contents.push(kept);
    versions.set(path, contents);
  }
}

/** Whether two files have the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Reads what was honestly written. It trusts every line, so it needs nothing of the code under test. */
function genuineSegments(versions: Map<string, Uint8Array[]>): GenuineSegment[] {
  const segments: GenuineSegment[] = [];
  for (const [path, history] of versions) {
    if (!path.endsWith(".wal.jsonl")) continue;
    // Later versions hold all lines of earlier ones, but for seals that were overwritten by nothing yet: take all.
    const lines = new Set(history.flatMap((bytes) => latin1.decode(bytes).split("\n")));
    const [header, ...others] = [...lines].filter(Boolean);
    // One line for the state, which is small, and one for its end.
    const rest = header!.includes('"initial":') ? others.slice(2) : others;
    const segment: GenuineSegment = {
      path,
      first: Number(path.slice(-26, -10)),
      header: `${header}\n`,
      initial: others.slice(0, others.length - rest.length).map((line) => `${line}\n`).join(""),
      batches: [],
      seals: [],
    };
    let text = "";
    for (const line of rest) {
      if (line.startsWith("{")) {
        segment.seals.push({ text: `${line}\n`, sequence: JSON.parse(line).seal });
        continue;
      }
      text += `${line}\n`;
      const end = /^\[(\d+),.*,(\d+),0,(?:\{.*\},)?"[0-9a-f]{8}"\]$/.exec(line);
      if (end === null) continue;
      segment.batches.push({ text, first: Number(end[2]) + 1, last: Number(end[1]) });
      text = "";
    }
    segments.push(segment);
  }
  return segments;
}
