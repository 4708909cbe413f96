// Tests lines and files that are doubled, swapped, removed, or taken from another journal: never a silently wrong state.

import { test } from "node:test";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { failsOrKeepsAll, quarantines, runCase } from "../../simulation/damage_oracle.ts";
import { damagedDisk, filesOf, record, type Recording } from "../../simulation/recordings.ts";
import { DIRECTORY } from "../../simulation/world.ts";

const recordings = await record();
/** The same histories with another journal's identity. */
const foreign = await record();

const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Splice = (lines: string[], at: number, others: string[]) => string[];

const splices: { name: string; splice: Splice }[] = [
  { name: "doubled", splice: (lines, at) => lines.toSpliced(at, 0, lines[at]!) },
  { name: "removed", splice: (lines, at) => lines.toSpliced(at, 1) },
  {
    name: "swapped with the next",
    splice: (lines, at) => lines.toSpliced(at, 2, ...[lines[at + 1] ?? "", lines[at]!]),
  },
  { name: "another journal's", splice: (lines, at, others) => lines.with(at, others[at] ?? "") },
  { name: "the first one", splice: (lines, at) => lines.with(at, lines[0]!) },
  { name: "the last one", splice: (lines, at) => lines.with(at, lines.findLast(Boolean)!) },
  {
    name: "repeated at the end",
    splice: (lines, at) => [...lines.filter(Boolean), lines[at]!, ""],
  },
  { name: "empty", splice: (lines, at) => lines.with(at, "") },
];

function linesOf(disk: PowerCutDisk, path: string): string[] {
  return decoder.decode(disk.peek(path)!).split("\n");
}

for (const [index, recording] of recordings.entries()) {
  for (const { name, splice } of splices) {
    test(`open() is not fooled when any line of ${recording.name} is ${name}`, async () => {
      for (const path of filesOf(recording)) {
        const lines = linesOf(recording.disk, path);
        const theirs = filesOf(foreign[index]!)[filesOf(recording).indexOf(path)]!;
        const others = linesOf(foreign[index]!.disk, theirs);
        for (let at = 0; at < lines.length && lines[at] !== ""; at++) {
          const spliced = encoder.encode(splice(lines, at, others).join("\n"));
          const excused = excusedFor(recording, path, spliced);
          const damaged = () => damagedDisk(recording, path, () => spliced.slice());
          await runCase(`${path} line ${at + 1}`, async () => {
            await failsOrKeepsAll(recording, damaged(), excused);
            await quarantines(recording, damaged(), path, excused);
          });
        }
      }
    });
  }
}

/**
 * Where the state may end without proof. Of the newest segment that is wherever its sound lines stop, if no sound
 * batch or seal follows; the oracle still refuses any state that is not a prefix.
 */
function excusedFor(recording: Recording, path: string, spliced: Uint8Array): number[] {
  if (path !== recording.newest) return [];
  // All checksums of a segment begin with its header's: under another sound one, no line can prove anything.
  if (isHeaderForeign(recording, path, spliced)) return [0];
  const text = decoder.decode(spliced);
  const whole = decoder.decode(recording.disk.peek(path)!);
  const kept = recording.batches.filter((first, i) => {
    const next = recording.batches[i + 1];
    const start = whole.indexOf(`\n[${first},`) + 1;
    const end = next === undefined ? whole.length : whole.indexOf(`\n[${next},`) + 1;
    const batch = whole.slice(start, end).trimEnd();
    return start > 0 && (text.startsWith(batch) || text.includes(`\n${batch}\n`));
  });
  // What is proven at least: everything before the last batch that is still whole somewhere after the damage.
  const last = kept.at(-1) ?? 0;
  const sealed = text.includes('{"seal":');
  return sealed ? [] : recording.batches.map((first) => first - 1).filter((end) => end >= last);
}

function isHeaderForeign(recording: Recording, path: string, spliced: Uint8Array): boolean {
  if (filesOf(recording).length > 1) return false;
  const header = linesOf(recording.disk, path)[0]!;
  const found = decoder.decode(spliced).split("\n")[0]!;
  return found !== header && found.startsWith('{"ministate":"journal"');
}

const rearrangements: { name: string; rearrange: (disk: PowerCutDisk, paths: string[]) => void }[] =
  [
    {
      name: "two segments have each other's bytes",
      rearrange: (disk, [first, second]) => {
        const bytes = disk.peek(first!)!;
        disk.plant(first!, disk.peek(second!)!);
        disk.plant(second!, bytes);
      },
    },
    {
      name: "the middle segment has the name of one much later",
      rearrange: (disk, [, second]) => {
        disk.plant(`${DIRECTORY}/w-0000000000000007.wal.jsonl`, disk.peek(second!)!);
        disk.unplant(second!);
      },
    },
    {
      name: "the last segment is there under an earlier name too",
      rearrange: (disk, paths) =>
        disk.plant(`${DIRECTORY}/w-0000000000000002.wal.jsonl`, disk.peek(paths.at(-1)!)!),
    },
    {
      name: "a segment of another journal is in the middle",
      rearrange: (disk, [, second]) => {
        const { disk: theirs } = foreign.find(({ name }) =>
          name === "sealed segments and snapshots"
        )!;
        disk.plant(second!, theirs.peek(second!)!);
      },
    },
    {
      name: "a segment is empty",
      rearrange: (disk, [, second]) => disk.plant(second!, new Uint8Array(0)),
    },
  ];

for (const { name, rearrange } of rearrangements) {
  test(`open() is not fooled when ${name}`, async () => {
    const recording = recordings.find(({ name }) => name === "sealed segments and snapshots")!;
    for (const withSnapshots of [true, false]) {
      const damaged = () => {
        const disk = recording.disk.image();
        const paths = filesOf(recording);
        rearrange(disk, paths.filter((path) => path.endsWith(".wal.jsonl")));
        if (!withSnapshots) {
          for (const path of paths) if (path.includes(".snapshot.")) disk.unplant(path);
        }
        return disk;
      };
      await failsOrKeepsAll(recording, damaged(), []);
      await quarantines(recording, damaged(), "/data/none", []);
    }
  });
}
