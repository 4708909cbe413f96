// Tests `repair --salvage`: what it writes is what was journaled, all that can be proven, and nothing else.

import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { badDisk } from "../support/bad_disk.ts";
import { runHere } from "../support/command_in_process.ts";
import { fileName } from "../support/files.ts";
import { openCounter } from "../support/samples.ts";
import { hooked, systemError } from "../support/wrapped_fs.ts";

const DIRECTORY = "/data/state";
const FILE = "/data/records.jsonl";
const wal = (sequence: number) => `${DIRECTORY}/${fileName("wal", sequence)}`;
const aside = (name: string) => `${DIRECTORY}/quarantine/${name}`;

interface Line {
  sequence: number;
  timestamp: number;
  mutation: { by: number };
  refused: boolean | null;
  path: string;
  offset: number;
}

const run = (fs: PowerCutDisk, ...more: string[]) =>
  runHere(["repair", DIRECTORY, "--salvage", FILE, ...more], { fs });

function textOf(disk: PowerCutDisk, path: string): string {
  return new TextDecoder().decode(disk.peek(path)!);
}

function linesOf(disk: PowerCutDisk, path = FILE): Line[] {
  return textOf(disk, path).split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

function change(disk: PowerCutDisk, path: string, edit: (text: string) => string): void {
  const text = textOf(disk, path);
  const changed = edit(text);
  assert(changed !== text, `${path} was not changed`);
  disk.plant(path, new TextEncoder().encode(changed));
}

/** Everything in the directory, byte for byte, except the lock. */
async function bytesOf(disk: PowerCutDisk): Promise<string> {
  const names = (await disk.list(DIRECTORY)).filter(({ kind, name }) =>
    kind === "file" && name !== "ministate.lock"
  ).map(({ name }) => name).sort();
  return JSON.stringify(names.map((name) => [name, textOf(disk, `${DIRECTORY}/${name}`)]));
}

/** Nine mutations in segments from 1 and 7, of which 4 and 8 are refused; 5 and 6 are one batch. */
async function makeState(disk: PowerCutDisk): Promise<void> {
  await using manager = await openCounter(DIRECTORY, { fs: disk, compaction: "manual" });
  const apply = async (by: number) => void await manager.apply({ by }).catch(() => {});
  for (const by of [1, 2, 3, -100]) await apply(by);
  await Promise.all([apply(5), apply(6)]);
  await manager.createSnapshot();
  for (const by of [7, -100, 9]) await apply(by);
  await disk.remove(`${DIRECTORY}/${fileName("snapshot", 6)}`);
}

const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

const rot = (by: number) => (text: string) => text.replace(`{"by":${by}}`, `{"by":0}`);
const rotHeader = (text: string) => text.replace('"format"', '"farmat"');

test("repair --salvage writes what is whole after damage, and changes nothing when it is not confirmed", async () => {
  const disk = freshDisk();
  await makeState(disk);
  change(disk, wal(1), rot(2));
  const before = await bytesOf(disk);
  const { code, output, errors } = await run(disk);
  assertEquals([code, errors], [1, "Nothing was changed\n"]);
  assertEquals(await bytesOf(disk), before);
  const lines = linesOf(disk);
  assertEquals(
    lines.map(({ sequence, mutation, refused }) => [sequence, mutation.by, refused]),
    [
      [3, 3, false],
      [4, -100, true],
      [5, 5, false],
      [6, 6, false],
      [7, 7, false],
      [8, -100, true],
      [9, 9, false],
    ],
  );
  // Path and offset lead to the batch.
  for (const { path, offset, sequence } of lines) {
    const first = sequence === 6 ? 5 : sequence;
    assertStringIncludes(textOf(disk, path).slice(offset, offset + 4), `[${first},`);
  }
  assertEquals([lines[0]!.path, lines.at(-1)!.path], [wal(1), wal(7)]);
  const rotten = textOf(disk, wal(1)).indexOf("[2,");
  assertEquals(output.split("\n").slice(0, 4), [
    `salvaged  ${wal(1)}: 4 records, sequence 3 to 6`,
    `salvaged  ${wal(7)}: 3 records, sequence 7 to 9`,
    `unproven  ${wal(1)} at offset ${rotten}: nothing proves sequence 2`,
    `7 records in "${FILE}", for you to read: no repair replays them`,
  ]);
});

test("repair --salvage repairs as usual once confirmed, and finds the same in the quarantine later", async () => {
  const disk = freshDisk();
  await makeState(disk);
  change(disk, wal(1), rot(2));
  const json = JSON.parse((await run(disk, "--yes", "--json")).output);
  assertEquals([json.repaired, json.sequence, json.verdict], [true, 1, "sound"]);
  const { path, records, unproven } = json.salvaged;
  assertEquals([path, records], [FILE, 7]);
  assertEquals(
    unproven.map(({ sequenceFirst, sequenceLast }: Record<string, number>) => [
      sequenceFirst,
      sequenceLast,
    ]),
    [[2, 2]],
  );
  const first = linesOf(disk);
  const again = await runHere(
    ["repair", DIRECTORY, "--salvage", "/data/again.jsonl"],
    { fs: disk },
  );
  assertEquals(again.code, 0);
  assertStringIncludes(again.output, "Nothing to repair: sound up to sequence 1\n");
  // Those that the repair has kept are not among them.
  const moved = { [wal(1)]: aside(fileName("wal", 1)), [wal(7)]: aside(fileName("wal", 7)) };
  assertEquals(
    linesOf(disk, "/data/again.jsonl"),
    first.map((line) => ({ ...line, path: moved[line.path]! })),
  );
  // A second repair of the same segment gets a report and a number of its own.
  {
    await using manager = await openCounter(DIRECTORY, { fs: disk });
    for (const by of [20, 30, 40]) await manager.apply({ by });
  }
  change(disk, wal(1), rot(30));
  await runHere(["repair", DIRECTORY, "--yes"], { fs: disk });
  const third = await runHere(
    ["repair", DIRECTORY, "--salvage", "/data/third.jsonl", "--json"],
    { fs: disk },
  );
  assertEquals(JSON.parse(third.output).salvaged.records, 8);
  const added = linesOf(disk, "/data/third.jsonl").filter(({ path }) => path.endsWith(".2"));
  assertEquals(added.map(({ sequence, mutation }) => [sequence, mutation.by]), [[4, 40]]);
});

test("repair --salvage says nothing of what comes after the last record", async () => {
  const disk = freshDisk();
  {
    await using manager = await openCounter(DIRECTORY, { fs: disk });
    for (const by of [1, 2, 3]) await manager.apply({ by });
  }
  change(disk, wal(1), rot(2));
  const { salvaged } = JSON.parse((await run(disk, "--json")).output);
  const offset = textOf(disk, wal(1)).indexOf("[2,");
  assertEquals(
    salvaged.unproven,
    [{ path: wal(1), offset, sequenceFirst: 2, sequenceLast: 2, reason: null }],
  );
});

test("repair --salvage streams what is larger than a piece", async () => {
  const disk = freshDisk();
  {
    await using manager = await openCounter(DIRECTORY, { fs: disk });
    for (let by = 1; by <= 1000; by++) await manager.apply({ by });
  }
  change(disk, wal(1), rot(1));
  let writes = 0;
  const fs = hooked(disk, ({ name, path }) => {
    if (name === "write" && path.startsWith(FILE)) writes++;
  });
  await runHere(["repair", DIRECTORY, "--salvage", FILE], { fs });
  assertEquals(linesOf(disk).map(({ mutation }) => mutation.by), numbers(2, 1000));
  assert(writes > 1);
});

test("repair --salvage names a file that it has not searched to its end", async () => {
  const disk = freshDisk();
  await makeState(disk);
  const bytes = disk.peek(wal(7))!;
  const long = new Uint8Array(bytes.length + 40 * 1024 * 1024);
  long.set(bytes);
  disk.plant(wal(7), long);
  const { output } = await run(disk);
  assertStringIncludes(
    output,
    `unproven  ${wal(7)}: not searched to its end: too much there is not ours\n`,
  );
});

test("repair --salvage never replaces a file, and leaves none when it fails or finds nothing", async () => {
  const disk = freshDisk();
  await makeState(disk);
  assertEquals(
    (await run(disk)).output,
    [
      "Nothing to salvage: no record after damage is provably whole; no file was written\n",
      "Nothing to repair: sound up to sequence 9\n",
    ].join(""),
  );
  assertEquals(disk.peek(FILE), null);
  change(disk, wal(1), rot(2));
  for (
    const [call, message] of [["write", "ENOSPC"], ["rename", "EIO"], ["open", "EACCES"]] as const
  ) {
    const fs = hooked(disk, ({ name, path }) => {
      if (name === call && path.startsWith(FILE)) throw systemError(message);
    });
    const { code, errors } = await runHere(["repair", DIRECTORY, "--salvage", FILE, "--yes"], {
      fs,
    });
    assertEquals(code, 5, errors);
    assertEquals((await disk.list("/data")).map(({ name }) => name).sort(), ["state"]);
  }
  const before = await bytesOf(disk);
  disk.plant(FILE, new Uint8Array([1]));
  const { code, errors } = await run(disk, "--yes");
  assertEquals(
    [code, errors],
    [
      1,
      `error: "${FILE}" is there already: give another file for --salvage; nothing was changed\n`,
    ],
  );
  assertEquals([disk.peek(FILE)!.length, await bytesOf(disk)], [1, before]);
  const nowhere = await runHere(["repair", DIRECTORY, "--salvage", `${FILE}/x`], { fs: disk });
  assertEquals(nowhere.code, 5, nowhere.errors);
});

test("repair --salvage leaves a file alone whose name is that of FILE with .tmp", async () => {
  const disk = freshDisk();
  await makeState(disk);
  change(disk, wal(1), rot(2));
  disk.plant(`${FILE}.tmp`, new TextEncoder().encode("mine"));
  await run(disk);
  assert(linesOf(disk).length > 0);
  assertEquals(textOf(disk, `${FILE}.tmp`), "mine");
});

test("repair --salvage can prove nothing in a segment whose first line is damaged, and says so", async () => {
  const disk = freshDisk();
  await makeState(disk);
  change(disk, wal(1), rotHeader);
  const { output } = await run(disk);
  assertEquals(linesOf(disk).map(({ sequence }) => sequence), [7, 8, 9]);
  assertStringIncludes(
    output,
    `unproven  ${wal(1)} at offset 0: nothing proves sequence 1 to 6 (its first line is damaged)\n`,
  );
});

test("repair --salvage leaves the outcome open where no sound line says it", async () => {
  const disk = freshDisk();
  await makeState(disk);
  // The lines after 7 and after 9 are damaged.
  change(disk, wal(7), (text) => text.replace("[8,{", "[8,[").replace('{"seal":9', '{"seal":8'));
  change(disk, wal(1), rot(1));
  await run(disk);
  assertEquals(
    linesOf(disk).slice(-2).map(({ sequence, refused }) => [sequence, refused]),
    [[7, null], [9, null]],
  );
});

test("repair --salvage finds batches where a damaged initial state should be", async () => {
  const disk = freshDisk();
  await makeState(disk);
  change(disk, wal(1), (text) => text.replace('[[],{"value":0}]\n', ""));
  const { output } = await run(disk);
  assertEquals(linesOf(disk).map(({ sequence }) => sequence), [1, 2, 3, 4, 5, 6, 7, 8, 9], output);
});

test("repair --salvage takes no record of another journal, and says so", async () => {
  const [disk, other] = [freshDisk(), freshDisk()];
  await makeState(disk);
  await makeState(other);
  {
    // A third file of the journal, so that it has the most.
    await using manager = await openCounter(DIRECTORY, { fs: disk, compaction: "manual" });
    await manager.createSnapshot();
    await manager.apply({ by: 10 });
  }
  disk.plant(wal(7), other.peek(wal(7))!);
  await disk.remove(`${DIRECTORY}/${fileName("snapshot", 9)}`);
  const { output } = await run(disk);
  assertEquals(linesOf(disk).map(({ sequence, mutation }) => [sequence, mutation.by]), [[10, 10]]);
  assertStringIncludes(
    output,
    `unproven  ${
      wal(7)
    } at offset 0: nothing proves sequence 7 to 9 (it belongs to another journal)\n`,
  );
});

test("repair --salvage reads around what the disk refuses", async () => {
  const disk = freshDisk();
  {
    await using manager = await openCounter(DIRECTORY, { fs: disk });
    for (let by = 1; by <= 300; by++) await manager.apply({ by });
  }
  const { fs } = badDisk(disk, { part: wal(1), code: "EIO", range: [4096, 8192] });
  const { output } = await runHere(["repair", DIRECTORY, "--salvage", FILE], { fs });
  const text = textOf(disk, wal(1));
  const lost = linesOf(disk)[0]!;
  assert(lost.offset >= 8192 && lost.offset < 8192 + 60, output);
  assertEquals(linesOf(disk).at(-1)!.sequence, 300);
  const first = text.slice(0, 4096).split("\n").length - 3;
  assertStringIncludes(output, `nothing proves sequence ${first} to ${lost.sequence - 1}\n`);
});
