/**
 * Flips bits, cuts files and destroys line feeds at every byte of recorded directories: never a silently wrong state.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { failsOrKeepsAll, quarantines, runCase } from "./damage_oracle.ts";
import { damagedDisk, filesOf, type Recording } from "./recordings.ts";
import type { Slice } from "./slice.ts";
import type { Tally } from "./tally.ts";

/** One kind of damage, done at every byte of a recording. */
export interface Rot {
  /** What is done, as part of a sentence. */
  name: string;
  explore(recording: Recording, slice: Slice, tally: Tally): Promise<void>;
}

/** A change of a file's bytes, and what it is called. */
interface Damage {
  what: string;
  change: (bytes: Uint8Array) => Uint8Array;
}

const BITS = [0, 1, 2, 3, 4, 5, 6, 7];

/** What a line feed can turn into: bytes with a meaning in JSON, and bytes without one. */
const INSTEAD_OF_LINE_FEED = [0, 0x20, 0x2c, 0x30, 0x5b, 0x5d, 0x7d, 0xff];

/** All kinds. */
export const ROTS: readonly Rot[] = [
  {
    name: "any bit is flipped",
    explore: (recording, slice, tally) =>
      eachByte(recording, slice, tally, "bit flipped", (at) =>
        BITS.map((bit) => ({
          what: `bit ${bit} of byte ${at} is flipped`,
          change: (bytes) => bytes.fill(bytes[at]! ^ (1 << bit), at, at + 1),
        }))),
  },
  {
    name: "any line feed is destroyed",
    explore: (recording, slice, tally) =>
      eachByte(
        recording,
        slice,
        tally,
        "line feed destroyed",
        // The end of every line, and the first of the line feeds written ahead.
        (at, bytes) =>
          bytes[at] !== 10 || bytes[at - 2] === 10 ? [] : INSTEAD_OF_LINE_FEED.map((byte) => ({
            what: `byte ${at} becomes ${byte}`,
            change: (bytes) => bytes.fill(byte, at, at + 1),
          })),
      ),
  },
  {
    name: "any file is cut at any byte",
    explore: (recording, slice, tally) =>
      eachByte(recording, slice, tally, "file cut", (at) => [{
        what: `it is cut at ${at}`,
        change: (bytes) => bytes.slice(0, at),
      }]),
  },
];

async function eachByte(
  recording: Recording,
  slice: Slice,
  tally: Tally,
  operation: string,
  damagesAt: (at: number, bytes: Uint8Array) => Damage[],
): Promise<void> {
  for (const path of filesOf(recording)) {
    const bytes = recording.disk.peek(path)!;
    for (let at = 0; at < bytes.length; at++) {
      if (!slice.mine(at)) continue;
      for (const { what, change } of damagesAt(at, bytes)) {
        const excused = excusedAt(recording, path, at, operation === "file cut");
        const disk = () => damagedDisk(recording, path, change);
        await runCase(`${recording.name}: ${path}: ${what}`, async () => {
          await judge(recording, disk, { path, excused, operation }, tally);
        });
      }
    }
  }
}

async function judge(
  recording: Recording,
  disk: () => PowerCutDisk,
  { path, excused, operation }: { path: string; excused: number[]; operation: string },
  tally: Tally,
): Promise<void> {
  const { sequence, code } = await failsOrKeepsAll(recording, disk(), excused);
  // A snapshot that rots costs nothing: the older one and the journal after it take its place.
  if (path.includes(".snapshot.")) {
    assertEquals([sequence, code], [recording.ids.length, null], "a rotten snapshot");
  }
  await quarantines(recording, disk(), path, excused, operation !== "file cut");
  tally.state(
    operation,
    code ?? (sequence === recording.ids.length ? "all there" : "the unproven end is cut"),
  );
}

/** Where the state may end without proof when a file is damaged, or cut, at `offset`. */
function excusedAt(
  recording: Recording,
  path: string,
  offset: number,
  isCut: boolean,
): number[] {
  if (path !== recording.newest) return [];
  // Nothing proves that the newest segment's end is missing, unless a snapshot does.
  if (isCut) return recording.batches.map((first) => first - 1);
  return offset >= recording.provenEnd ? [recording.batches.at(-1)! - 1] : [];
}
