// Tests firmware updates: old snapshots and journals are migrated to the mutator's version, or left exactly as they are.

import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { MigrationError, StateManager, TooNewError } from "@ministate/ministate";
import { assertFails, failureOf } from "../support/errors.ts";
import { journalName } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

/** Version 1 counts degrees Celsius; version 2 tenths of a degree, under another name; version 3 also names the unit. */
const one = {
  initial: () => ({ celsius: 0 }),
  apply: (state: { celsius: number }, mutation: { add: number }) => state.celsius += mutation.add,
};

interface Tenths {
  tenths: number;
}

const two = {
  version: 2,
  initial: (): Tenths => ({ tenths: 0 }),
  apply: (state: Tenths, mutation: Tenths) => state.tenths += mutation.tenths,
  migrate: {
    state: (state: unknown, from: number): Tenths => {
      assertEquals(from, 1);
      return { tenths: (state as { celsius: number }).celsius * 10 };
    },
    mutation: (mutation: unknown, from: number): Tenths => {
      assertEquals(from, 1);
      return { tenths: (mutation as { add: number }).add * 10 };
    },
  },
};

const three = {
  version: 3,
  initial: () => ({ tenths: 0, unit: "°C" }),
  apply: (state: Tenths, mutation: Tenths) => state.tenths += mutation.tenths,
  migrate: {
    state: (state: unknown, from: number) => ({
      ...(from === 1 ? two.migrate.state(state, from) : state as Tenths),
      unit: "°C",
    }),
    mutation: (mutation: unknown, from: number) =>
      from === 1 ? two.migrate.mutation(mutation, from) : mutation as Tenths,
  },
};

// deno-lint-ignore no-explicit-any -- mutators of every version
const open = (directory: string, mutator: any, options = {}) =>
  // deno-lint-ignore no-explicit-any
  StateManager.open<any, any, any>(directory, journalName, mutator, options);

async function writeOne(path: string, shape: string): Promise<void> {
  await using manager = await open(path, one);
  if (shape === "nothing") return;
  await manager.apply({ add: 1 });
  if (shape !== "a journal") await manager.createSnapshot();
  if (shape !== "a snapshot") await manager.apply({ add: 2 });
  if (shape === "two snapshots and a journal") {
    await manager.compact();
    await manager.apply({ add: 4 });
  }
}

const shapes: Record<string, number> = {
  "nothing": 0,
  "a journal": 3,
  "a snapshot": 1,
  "a snapshot and a journal": 3,
  "two snapshots and a journal": 7,
};

async function contents(path: string): Promise<Record<string, string>> {
  const names = (await readdir(path)).sort();
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await readFile(`${path}/${name}`, "latin1")]),
    ),
  );
}

for (const [shape, celsius] of Object.entries(shapes)) {
  test(`open() migrates ${shape} to a newer version, once`, async () => {
    await using directory = await temporaryDirectory();
    await writeOne(directory.path, shape);
    {
      await using reader = await open(directory.path, two, { readOnly: true });
      assertEquals(reader.snapshot(), { tenths: celsius * 10 });
      assertEquals(reader.recovery.migratedFrom, 1);
    }
    let sequence;
    {
      await using manager = await open(directory.path, two);
      assertEquals(manager.snapshot(), { tenths: celsius * 10 });
      assertEquals(manager.recovery.migratedFrom, 1);
      ({ sequence } = await manager.apply({ tenths: 5 }));
      assertEquals(await manager.stateAt(sequence), { tenths: celsius * 10 + 5 });
      assertEquals(await manager.stateAt(sequence - 1), { tenths: celsius * 10 });
    }
    {
      // Nothing of version 1 is read any longer.
      await using manager = await open(directory.path, { ...two, migrate: undefined });
      assertEquals(manager.snapshot(), { tenths: celsius * 10 + 5 });
      assertEquals(manager.recovery.migratedFrom, null);
      assertEquals(manager.sequence, sequence);
    }
    await using manager = await open(directory.path, three);
    assertEquals(manager.snapshot(), { tenths: celsius * 10 + 5, unit: "°C" });
    assertEquals(manager.recovery.migratedFrom, 2);
    // The mutations come in the form of the newest version, whichever wrote them.
    let tenths = shape.startsWith("two") ? 10 : 0;
    for await (const change of manager.changes({ from: shape.startsWith("two") ? 2 : 1 })) {
      tenths += change.mutation.tenths;
      if (change.sequence === sequence) break;
    }
    assertEquals(tenths, celsius * 10 + 5);
  });
}

test("open() refuses an older version of the mutator once a newer one has written", async () => {
  await using directory = await temporaryDirectory();
  await writeOne(directory.path, "a journal");
  await (await open(directory.path, two)).close();
  const before = await contents(directory.path);
  await assertFails(() => open(directory.path, one), {
    error: TooNewError,
    code: "TOO_NEW",
    says:
      /version 2 of the mutator, and this is version 1: update the program; nothing was changed/,
  });
  assertEquals(await contents(directory.path), before);
});

const planted = new Error("planted");
const throwing = () => {
  throw planted;
};

const failing: Record<string, { migrate: unknown; cause?: unknown }> = {
  "there is no migrate": { migrate: undefined },
  "migrate.state throws": { migrate: { ...two.migrate, state: throwing }, cause: planted },
  "migrate.mutation throws": { migrate: { ...two.migrate, mutation: throwing }, cause: planted },
  "migrate.state returns nothing": { migrate: { ...two.migrate, state: () => {} } },
  "migrate.mutation returns nothing": { migrate: { ...two.migrate, mutation: () => {} } },
  "migrate.state returns a promise": {
    migrate: { ...two.migrate, state: () => Promise.resolve({}) },
  },
  "migrate.state returns a value that is not JSON": {
    migrate: { ...two.migrate, state: () => new Map() },
  },
};

for (const [failure, { migrate, cause }] of Object.entries(failing)) {
  test(`open() fails with MigrationError and changes nothing when ${failure}`, async () => {
    await using directory = await temporaryDirectory();
    await writeOne(directory.path, "a snapshot and a journal");
    const before = await contents(directory.path);
    for (const readOnly of [false, true]) {
      const error = await assertFails(
        () => open(directory.path, { ...two, migrate }, { readOnly }),
        {
          error: MigrationError,
          code: "MIGRATION_FAILED",
          says: /version 1.*nothing was changed/,
        },
      );
      if (cause !== undefined) assertEquals(error.cause, cause);
      assertEquals(await contents(directory.path), before);
    }
    await using manager = await open(directory.path, one);
    assertEquals(manager.snapshot(), { celsius: 3 });
  });
}

test("open() migrates everything when an earlier attempt failed anywhere", async () => {
  for (let failAt = 1;; failAt++) {
    await using directory = await temporaryDirectory();
    await writeOne(directory.path, "two snapshots and a journal");
    let count = 0;
    const fs = await wrapFs(({ name }) => {
      if (/write|sync|rename|truncate/.test(name) && ++count === failAt) throw systemError("EIO");
    });
    const outcome = await open(directory.path, two, { fs }).catch((error) => error);
    if (!(outcome instanceof Error)) {
      count = failAt;
      await outcome.close();
      assert(failAt > 5, `only ${failAt} steps`);
      break;
    }
    await using manager = await open(directory.path, two);
    assertEquals(manager.snapshot(), { tenths: 70 }, `failed at step ${failAt}`);
    assertEquals((await manager.apply({ tenths: 1 })).sequence, 4);
  }
});

test("open() uses data unchanged where migrate has no function for it", async () => {
  await using directory = await temporaryDirectory();
  await writeOne(directory.path, "a snapshot and a journal");
  await using manager = await open(directory.path, { ...one, version: 2, migrate: {} });
  assertEquals(manager.snapshot(), { celsius: 3 });
  assertEquals(manager.recovery.migratedFrom, 1);
});

test("open() never runs what an older version refused", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await open(directory.path, { ...one, apply: throwing });
    assertInstanceOf(await failureOf(() => manager.apply({ add: 1 })), Error);
  }
  await using manager = await open(directory.path, two);
  assertEquals([manager.snapshot(), manager.sequence], [{ tenths: 0 }, 1]);
});
