// Tests that a program's mistakes are found before anything is written: a failed upgrade leaves the directory unchanged.

import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { MigrationError, StateManager } from "@ministate/ministate";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { failureOf } from "../support/errors.ts";
import { fileName } from "../support/files.ts";
import { journalName } from "../support/samples.ts";
import { freshDisk } from "../../simulation/workloads.ts";

const DIRECTORY = "/data/state";

interface Sum {
  sum: unknown;
  deep?: unknown;
}

const one = {
  name: "sum",
  initial: (): Sum => ({ sum: 0 }),
  apply: (state: Sum, { by }: { by: number }) => state.sum = (state.sum as number) + by,
};

const two = {
  ...one,
  version: 2,
  migrate: {
    state: (state: unknown) => state as Sum,
    mutation: (mutation: unknown) => mutation as { by: number },
  },
};

// deno-lint-ignore no-explicit-any -- mutators that are wrong in every way
const open = (fs: PowerCutDisk, mutator: any, options = {}) =>
  // deno-lint-ignore no-explicit-any
  StateManager.open<any, any, any>(DIRECTORY, journalName, mutator, { fs, ...options });

/** Every file with its bytes. The lock file is empty and permanent. */
function contents(disk: PowerCutDisk): string[] {
  return disk.paths(DIRECTORY).filter((path) => !path.endsWith(".lock"))
    .map((path) => `${path}\n${new TextDecoder("latin1").decode(disk.peek(path)!)}`);
}

/** What version 1 leaves: a snapshot, a rotten one, and a journal with a torn tail. */
async function leftByOne(): Promise<PowerCutDisk> {
  const disk = freshDisk();
  const manager = await open(disk, one, { compaction: "manual" });
  for (let by = 1; by <= 3; by++) {
    await manager.apply({ by });
    if (by < 3) await manager.createSnapshot();
  }
  await manager.close();
  disk.flipBit(`${DIRECTORY}/${fileName("snapshot", 2)}`, 200, 1);
  const path = `${DIRECTORY}/${fileName("wal", 3)}`;
  disk.plant(path, new Uint8Array([...disk.peek(path)!, ...new TextEncoder().encode("[4,{to")]));
  disk.plant(`${path}.tmp`, new Uint8Array(5));
  return disk;
}

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

const throwing = () => {
  throw new Error("planted");
};

/** An array that loses what is in it as soon as it is large. */
const crowd = () => Array.from({ length: 20_000 }, (_, i) => i === 19_999 ? new Map() : i);

const MISTAKES: Record<string, { mutator: unknown; options?: object }> = {
  "apply() makes a state that is not JSON": {
    mutator: { ...two, apply: (state: Sum) => state.sum = new Map() },
  },
  "apply() makes a large state that is not JSON": {
    mutator: { ...two, apply: (state: Sum) => state.sum = crowd() },
  },
  "apply() makes a state with a cycle": {
    mutator: { ...two, apply: (state: Sum) => state.deep = state },
  },
  "apply() makes a state that is nested too deeply": {
    mutator: { ...two, apply: (state: Sum) => state.deep = nested(2000) },
  },
  "apply() makes a state with a getter that throws": {
    mutator: {
      ...two,
      apply: (state: Sum) => Object.defineProperty(state, "x", { enumerable: true, get: throwing }),
    },
  },
  "reduce() gives a state that is not JSON": {
    mutator: { ...two, apply: undefined, reduce: () => ({ sum: NaN }) },
  },
  "reduce() returns nothing": { mutator: { ...two, apply: undefined, reduce: () => {} } },
  "apply() returns a promise": { mutator: { ...two, apply: () => Promise.resolve(1) } },
  "migrate.mutation makes a state that is not JSON of it": {
    mutator: { ...two, migrate: { ...two.migrate, mutation: () => ({ by: "x" }) }, apply: badSum },
  },
  "migrate.state is missing and the old state doesn't fit the new mutator": {
    mutator: { ...two, migrate: {}, apply: (state: Sum) => state.sum = -(1 / 0) },
  },
  "migrate.state throws": { mutator: { ...two, migrate: { state: throwing } } },
  "migrate.mutation throws": { mutator: { ...two, migrate: { mutation: throwing } } },
  "migrate is missing": { mutator: { ...two, migrate: undefined } },
  "initial() throws": { mutator: { ...two, initial: throwing } },
  "initial() gives what is not JSON": { mutator: { ...two, initial: () => ({ sum: 1n }) } },
  "it has another name": { mutator: { ...two, name: "other" } },
  "its version is not a number": { mutator: { ...two, version: "2" } },
  "its schema is not a schema": { mutator: { ...two, schema: {} } },
  "an option is wrong": { mutator: two, options: { segmentSizeMax: -1 } },
};

function badSum(state: Sum, { by }: { by: unknown }) {
  state.sum = (state.sum as number) * (by as number);
}

for (const [mistake, { mutator, options = {} }] of Object.entries(MISTAKES)) {
  // Only a new directory asks for an initial state.
  if (mistake.startsWith("initial()")) continue;
  test(`open() changes nothing when a new version is refused because ${mistake}`, async () => {
    const disk = await leftByOne();
    const before = contents(disk);
    for (const onCorruption of ["fail", "quarantine"]) {
      await failureOf(() => open(disk, mutator, { onCorruption, ...options }));
      assertEquals(contents(disk), before);
    }
    // Again: what fails once must not succeed because of what the first attempt has left.
    await failureOf(() => open(disk, mutator, options));
    const old = await open(disk, one);
    assertEquals([old.snapshot(), old.sequence], [{ sum: 6 }, 3]);
    await old.close();
  });
}

test("open() says which place of the state can't be carried over, for reading too", async () => {
  for (const readOnly of [true, false]) {
    const disk = await leftByOne();
    const mutator = { ...two, apply: (state: Sum) => state.deep = { list: [1, new Map()] } };
    const error = await assertRejects(() => open(disk, mutator, { readOnly }), MigrationError);
    assertEquals(error.code, "MIGRATION_FAILED");
    assertEquals(/\$?\.deep\.list\[1\] is an object of class Map/.test(error.message), true);
    assertEquals(/nothing was changed$/.test(error.message), true, error.message);
  }
});

test("open() creates nothing when the mutator of a new directory is refused", async () => {
  for (
    const mistake of [
      "initial() throws",
      "its schema is not a schema",
      "its version is not a number",
    ]
  ) {
    const disk = freshDisk();
    const before = disk.log.length;
    await failureOf(() => open(disk, MISTAKES[mistake]!.mutator));
    const changes = disk.log.slice(before).filter((call) => !call.startsWith("list "));
    assertEquals(changes, [], mistake);
  }
});

test("open() copies what migrate.state returns, so that the past stays unchanged", async () => {
  const disk = freshDisk();
  const old = await open(disk, one, { compaction: "manual" });
  await old.apply({ by: 1 });
  await old.createSnapshot();
  await old.apply({ by: 2 });
  await old.close();
  const shared = { sum: 100 };
  const mutator = { ...two, migrate: { ...two.migrate, state: () => shared } };
  await using manager = await open(disk, mutator, { compaction: "manual" });
  await manager.apply({ by: 4 });
  assertEquals(shared, { sum: 100 });
  // From the older version's snapshot, which is carried over each time.
  assertEquals(await manager.stateAt(1), { sum: 100 });
  assertEquals(await manager.stateAt(2), { sum: 102 });
  assertEquals(manager.snapshot(), { sum: 106 });
});
