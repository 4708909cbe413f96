// Tests `restore`: what it makes is what `stateAt` gives, whatever was journaled, and never anything else.

import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { HistoryGoneError, MinistateError, StateManager } from "@ministate/ministate";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { inspectState } from "../../src/recovery/inspect.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { runHere } from "../support/command_in_process.ts";
import { cutEverywhere } from "../support/every_cut.ts";
import { failureOf } from "../support/errors.ts";
import { fileName } from "../support/files.ts";
import { Random, testSeed } from "../support/random.ts";
import { journalName } from "../support/samples.ts";

const DIRECTORY = "/data/state";

/** A count that never falls below zero: the others are refused once they are journaled. */
const till = {
  initial: () => ({ cents: 0, sales: [] as number[] }),
  apply(state: { cents: number; sales: number[] }, cents: number): number {
    state.cents += cents;
    if (state.cents < 0) throw new RangeError("below zero");
    return state.sales.push(cents);
  },
};

/** The same, and refuses nothing. */
const lenient = {
  ...till,
  apply: (state: { cents: number; sales: number[] }, cents: number) => {
    state.cents += cents;
    return state.sales.push(cents);
  },
};

type Till = StateManager<{ cents: number; sales: number[] }, number, number>;

function open(disk: PowerCutDisk, path = DIRECTORY, mutator = till): Promise<Till> {
  return StateManager.open(path, journalName, mutator, { fs: disk, compaction: "manual" });
}

const restore = (disk: PowerCutDisk, sequence: number, target: string, ...more: string[]) =>
  runHere(["restore", DIRECTORY, `${sequence}`, target, ...more], { fs: disk });

/**
 * Makes calls that wait together, some of them atomic groups. Each mutation gets a sequence, also one that is refused.
 *
 * @param sizes receives the size of each group, 1 for a single mutation
 */
async function write(manager: Till, random: Random, sizes: number[]): Promise<void> {
  const calls: Promise<unknown>[] = [];
  for (let i = random.below(6); i >= 0; i--) {
    const size = random.below(4) > 0 ? 1 : 1 + random.below(4);
    const cents = Array.from({ length: size }, () => random.below(30) - 10);
    calls.push(size === 1 ? manager.apply(cents[0]!) : manager.applyAll(cents));
    sizes.push(size);
  }
  await Promise.allSettled(calls);
}

/** The group that would be cut after `sequence`; `undefined` when none would be. */
function groupCut(sizes: readonly number[], sequence: number): [number, number] | undefined {
  let first = 1;
  for (const size of sizes) {
    const last = first + size - 1;
    if (first <= sequence && sequence < last) return [first, last];
    first = last + 1;
  }
}

test("restore makes what stateAt() gives, for every sequence of a random history", async () => {
  const seed = testSeed("restore");
  const counts = { whole: 0, grouped: 0, gone: 0 };
  for (let run = 0; run < 12; run++) {
    const random = new Random(seed + run);
    const disk = freshDisk();
    const sizes: number[] = [];
    let manager = await open(disk);
    for (let i = 0; i < 14; i++) {
      await write(manager, random, sizes);
      const what = random.below(12);
      if (what === 0) await manager.createSnapshot();
      if (what === 1) await manager.compact();
      if (what === 2) {
        await manager.close({ snapshot: random.below(2) === 0 });
        manager = await open(disk);
      }
    }
    for (let sequence = 0; sequence <= manager.sequence; sequence++) {
      const target = `/data/${sequence}`;
      const { code, errors } = await restore(disk, sequence, target, "--json");
      if (code !== 0) {
        const { code: found, message } = JSON.parse(errors).error;
        const cut = groupCut(sizes, sequence);
        if (found === "HISTORY_GONE") {
          counts.gone++;
          assert(await failureOf(() => manager.stateAt(sequence)) instanceof HistoryGoneError);
        } else {
          counts.grouped++;
          assertEquals([found, cut !== undefined], ["REFUSED", true], message);
          assertStringIncludes(message, `restore ${cut![0] - 1} or ${cut![1]};`);
        }
        assertEquals(disk.peek(`${target}/ministate.lock`), null);
        continue;
      }
      assertEquals(groupCut(sizes, sequence), undefined);
      counts.whole++;
      const { verdict, nextOpen } = await inspectState(disk, target, journalName);
      assertEquals([verdict, nextOpen.sequence], ["sound", sequence]);
      const copy = await open(disk, target);
      assertEquals(copy.sequence, sequence);
      assertEquals(copy.state, await manager.stateAt(sequence));
      assertEquals((await copy.apply(7)).sequence, sequence + 1);
      await copy.close();
    }
    await manager.close();
  }
  assert(Math.min(...Object.values(counts)) > 10, JSON.stringify(counts));
});

/** Three mutations in one batch, of which the second is refused and the last two are one; then two batches more. */
async function makeBatches(disk: PowerCutDisk): Promise<void> {
  await using manager = await open(disk);
  await Promise.allSettled([manager.apply(5), manager.apply(-9), manager.applyAll([1, 2])]);
  await manager.apply(-50).catch(() => {});
  await manager.apply(3);
}

test("restore cuts a batch only between its calls, and says which sequences are beside a group", async () => {
  const disk = freshDisk();
  await makeBatches(disk);
  const text = new TextDecoder().decode(disk.peek(`${DIRECTORY}/${fileName("wal", 1)}`)!);
  assertStringIncludes(text, '{"groups":[[3,4]]}');
  const refused = await restore(disk, 3, "/data/copy");
  assertEquals(refused.code, 1);
  assertEquals(
    refused.errors,
    'error: Cannot restore sequence 3 of "/data/state": 3 to 4 were applied as one, all or none (applyAll): ' +
      "restore 2 or 4; nothing was written\n",
  );
  for (
    const [sequence, sales] of [[0, []], [1, [5]], [2, [5]], [4, [5, 1, 2]], [5, [
      5,
      1,
      2,
    ]]] as const
  ) {
    const target = `/data/${sequence}`;
    const { code, output } = await restore(disk, sequence, target);
    assertEquals(code, 0);
    assertStringIncludes(output, `${target}  as of sequence ${sequence}, 1 file, `);
    // What was refused stays refused, whatever the program has become.
    await using copy = await open(disk, target, lenient);
    assertEquals([copy.sequence, copy.state.sales], [sequence, sales]);
  }
});

test("restore keeps the identity, and a file that is mixed with the original's is found", async () => {
  const disk = freshDisk();
  await makeBatches(disk);
  await restore(disk, 1, "/data/copy");
  const before = await inspectState(disk, DIRECTORY, journalName);
  {
    await using copy = await open(disk, "/data/copy");
    for (let i = 0; i < 5; i++) await copy.apply(i);
    await copy.createSnapshot();
    await copy.apply(9);
  }
  assertEquals((await inspectState(disk, "/data/copy", journalName)).id, before.id);
  const mixed = fileName("wal", 7);
  disk.plant(`${DIRECTORY}/${mixed}`, disk.peek(`/data/copy/${mixed}`)!);
  const { code, output } = await runHere(["verify", DIRECTORY], { fs: disk });
  assertEquals(code, 2);
  assertStringIncludes(output, "another history");
});

/** Six mutations in three segments, with snapshots of 2 and 4. */
async function makeSegments(disk: PowerCutDisk): Promise<void> {
  await using manager = await open(disk);
  for (let i = 1; i <= 6; i++) {
    await manager.apply(i);
    if (i === 2 || i === 4) await manager.createSnapshot();
  }
}

const wal = (sequence: number) => `${DIRECTORY}/${fileName("wal", sequence)}`;
const snapshot = (sequence: number) => `${DIRECTORY}/${fileName("snapshot", sequence)}`;

async function change(
  disk: PowerCutDisk,
  path: string,
  edit: (text: string) => string,
): Promise<void> {
  const text = new TextDecoder().decode(disk.peek(path)!);
  const changed = edit(text);
  assert(changed !== text, `${path} was not changed`);
  await Promise.resolve(disk.plant(path, new TextEncoder().encode(changed)));
}

const rotHeader = (text: string) => text.replace("ministate", "ministale");
/** The first record of a segment, whose mutation is `cents`. */
const rotRecord = (cents: number) => (text: string) => text.replace(`,${cents},`, `,${cents + 1},`);

const REFUSALS: {
  name: string;
  damage(disk: PowerCutDisk): Promise<void> | void;
  sequence: number;
  code: number;
  says: string;
}[] = [
  {
    name: "newer than what there is",
    damage: () => {},
    sequence: 7,
    code: 1,
    says: "it is not there yet: 0 to 6 can be restored",
  },
  {
    name: "no longer kept",
    damage: async (disk) => {
      await disk.remove(wal(1));
      await disk.remove(snapshot(2));
      await disk.remove(wal(3));
    },
    sequence: 3,
    code: 1,
    says: "it is no longer kept; compaction has deleted what leads to it: 4 to 6 can be restored",
  },
  {
    name: "damaged between two snapshots",
    damage: (disk) => change(disk, wal(3), rotRecord(3)),
    sequence: 3,
    code: 2,
    says: `what leads to it is damaged in "${wal(3)}" at offset N: 0 to 2, 4 to 6 can be restored`,
  },
  {
    name: "after damage that no snapshot covers",
    damage: async (disk) => {
      await change(disk, wal(3), rotRecord(3));
      await disk.remove(snapshot(4));
    },
    sequence: 6,
    code: 2,
    says: `what leads to it is damaged in "${wal(3)}" at offset N: 0 to 2 can be restored`,
  },
  {
    name: "of a snapshot that no segment follows, because the one that leads to it is damaged",
    damage: async (disk) => {
      await change(disk, wal(3), rotRecord(3));
      await disk.remove(wal(5));
    },
    sequence: 4,
    code: 2,
    says: `what leads to it is damaged in "${wal(3)}" at offset N: 0 to 2 can be restored`,
  },
  {
    name: "in the damaged end of the newest segment",
    damage: (disk) => change(disk, wal(5), rotRecord(5)),
    sequence: 6,
    code: 2,
    says: `what leads to it is damaged in "${wal(5)}" at offset N: 0 to 4 can be restored`,
  },
  {
    name: "beyond what the damage can have held",
    damage: (disk) => change(disk, wal(5), rotRecord(5)),
    sequence: 70,
    code: 1,
    says: "it is not there yet: 0 to 4 can be restored",
  },
  {
    name: "in a segment whose first line is damaged",
    damage: (disk) => change(disk, wal(5), rotHeader),
    sequence: 6,
    code: 2,
    says: `what leads to it is damaged in "${wal(5)}" at offset 0: 0 to 4 can be restored`,
  },
  {
    name: "the beginning, whose state is damaged",
    damage: (disk) => change(disk, wal(1), (text) => text.replace('"cents":0', '"cents":1')),
    sequence: 0,
    code: 2,
    says: `what leads to it is damaged in "${wal(1)}" at offset 0: 2 to 6 can be restored`,
  },
  {
    name: "in a segment of another history",
    damage: async (disk) => {
      // A copy of the directory as it was after mutation 2, which was written to.
      await restore(disk, 2, "/data/other");
      await using copy = await open(disk, "/data/other");
      for (let i = 3; i <= 5; i++) {
        await copy.apply(i * 10);
        if (i === 4) await copy.createSnapshot();
      }
      disk.plant(wal(5), disk.peek(`/data/other/${fileName("wal", 5)}`)!);
    },
    sequence: 5,
    code: 2,
    says: `what leads to it is damaged in "${wal(5)}" at offset 0: 0 to 4 can be restored`,
  },
  {
    name: "of a state of which no first line can be read",
    damage: async (disk) => {
      for (const path of [wal(1), wal(3), wal(5), snapshot(2), snapshot(4)]) {
        await change(disk, path, rotHeader);
      }
    },
    sequence: 4,
    code: 2,
    says: `what leads to it is damaged in "${
      wal(3)
    }" at offset 0: nothing can be restored, run "ministate verify"`,
  },
  {
    name: "of a state that has lost its journal",
    damage: async (disk) => {
      for (const first of [1, 3, 5]) await disk.remove(wal(first));
    },
    sequence: 4,
    code: 2,
    says:
      'what leads to it is damaged in "/data/state": nothing can be restored, run "ministate verify"',
  },
];

for (const { name, damage, sequence, code, says } of REFUSALS) {
  test(`restore refuses a sequence ${name}, says what can be restored, and writes nothing`, async () => {
    const disk = freshDisk();
    await makeSegments(disk);
    await damage(disk);
    const result = await restore(disk, sequence, "/data/copy");
    assertEquals(
      [result.errors.replace(/at offset [1-9]\d*/, "at offset N"), result.code],
      [
        `error: Cannot restore sequence ${sequence} of "/data/state": ${says}; nothing was written\n`,
        code,
      ],
    );
    assert(!(await disk.list("/data")).some(({ name }) => name === "copy"));
  });
}

test("restore refuses a directory when it is not known which of two journals it holds", async () => {
  const [disk, other] = [freshDisk(), freshDisk()];
  await makeSegments(disk);
  await makeSegments(other);
  for (const path of [wal(1), snapshot(2)]) await disk.remove(path);
  for (const path of [wal(3), snapshot(4)]) await disk.remove(path);
  disk.plant(wal(3), other.peek(wal(3))!);
  const { code, errors } = await restore(disk, 3, "/data/copy");
  assertEquals(code, 4);
  assertStringIncludes(errors, "it holds files of two journals");
});

for (
  const [target, plant, says] of [
    [DIRECTORY, null, 'error: "/data/state" holds a state already: give another directory\n'],
    ["/data/full", "/data/full/x", 'Cannot restore to "/data/full": ENOTEMPTY'],
    [`${DIRECTORY}/quarantine/copy`, null, "keeps its damaged files there"],
  ] as const
) {
  test(`restore refuses the destination ${target}`, async () => {
    const disk = freshDisk();
    await makeSegments(disk);
    if (plant !== null) {
      await disk.makeDirectory(target);
      disk.plant(plant, new Uint8Array(1));
    }
    const { code, errors } = await restore(disk, 3, target);
    assertStringIncludes(errors, says);
    assert(code !== 0);
  });
}

/** States whose copies are made in different ways, and a sequence of each. */
const CUTS: { name: string; make(disk: PowerCutDisk): Promise<void>; sequence: number }[] = [
  { name: "the first call of a batch in the only segment", make: makeBatches, sequence: 1 },
  { name: "a refused mutation within a batch", make: makeBatches, sequence: 2 },
  { name: "the beginning", make: makeBatches, sequence: 0 },
  { name: "the second of three segments with a snapshot", make: makeSegments, sequence: 3 },
  {
    name: "a snapshot after which a segment begins",
    make: async (disk) => {
      await makeSegments(disk);
      for (const path of [wal(1), wal(3), snapshot(2)]) await disk.remove(path);
    },
    sequence: 4,
  },
];

for (const { name, make, sequence } of CUTS) {
  test(`restore of ${name} is whole after a power cut, or nothing that opens`, async () => {
    const expected = freshDisk();
    await make(expected);
    await restore(expected, sequence, "/data/copy");
    const { state } = await open(expected, "/data/copy", lenient);
    const seen = new Set<string>();
    const makeDisk = await madeBy(make);
    await cutEverywhere(
      () => null,
      async (disk) => void await restore(disk, sequence, "/data/copy"),
      async (disk) => {
        const fs = disk.image();
        const options = { fs, create: false };
        const outcome = await StateManager.open("/data/copy", journalName, lenient, options)
          .catch((error) => error);
        if (outcome instanceof StateManager) {
          if (sequence > 0 && outcome.recovery.torn?.size === 0) {
            // As on FAT: its only file has a name but no byte yet. That is as good as no state.
            assertEquals(
              [disk.peek(`/data/copy/${fileName("wal", 1)}`)?.length, outcome.sequence],
              [0, 0],
            );
            return await outcome.close();
          }
          assertEquals(outcome.sequence, sequence);
          assertEquals(outcome.state, state);
          await outcome.close();
          return void seen.add("whole");
        }
        assert(outcome instanceof MinistateError, String(outcome));
        seen.add(outcome.code);
      },
      makeDisk,
    );
    assert(seen.has("whole") && seen.has("NO_STATE"), [...seen].join());
    for (const code of seen) assert(["whole", "NO_STATE", "CORRUPT"].includes(code), code);
  });
}

/** Makes disks that hold the same state. */
async function madeBy(make: (disk: PowerCutDisk) => Promise<void>): Promise<() => PowerCutDisk> {
  const disk = freshDisk();
  await make(disk);
  await disk.syncDirectory("/data");
  return () => disk.image();
}

test("restore reads beside a writer that compacts meanwhile", async () => {
  const disk = freshDisk();
  await using manager = await open(disk);
  for (let i = 1; i <= 20; i++) await manager.apply(i);
  let isDone = false;
  const writing = (async () => {
    for (let i = 0; !isDone; i++) {
      await manager.apply(1);
      if (i % 5 === 4) await manager.compact();
    }
  })();
  const { code, errors } = await restore(disk, 20, "/data/copy");
  isDone = true;
  await writing;
  assertEquals([code, errors], [0, ""]);
  await using copy = await open(disk, "/data/copy");
  assertEquals([copy.sequence, copy.state.cents], [20, 210]);
});
