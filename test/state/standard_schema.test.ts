// Tests that any Standard Schema validator guards the journal: what it refuses is never written.

import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  InvalidMutationError,
  MutationRejectedError,
  type StandardSchema,
  StateManager,
} from "@ministate/ministate";
import * as v from "valibot";
import { z } from "zod";
import { assertFails, failureOf } from "../support/errors.ts";
import { journalName } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

interface Reading {
  celsius: number;
  place: string;
}

const schemas: Record<string, StandardSchema<unknown, Reading>> = {
  zod: z.object({ celsius: z.number().min(-273.15), place: z.string().trim().default("here") }),
  valibot: v.object({
    celsius: v.pipe(v.number(), v.minValue(-273.15)),
    place: v.optional(v.pipe(v.string(), v.trim()), "here"),
  }),
};

function open(directory: string, schema: StandardSchema<unknown, Reading>) {
  return StateManager.open(directory, journalName, {
    initial: () => [] as Reading[],
    apply: (state: Reading[], mutation: Reading) => state.push(mutation),
    schema,
  });
}

for (const [library, schema] of Object.entries(schemas)) {
  test(`apply() journals the output of a ${library} schema, and replays that`, async () => {
    await using directory = await temporaryDirectory();
    const kept = [{ celsius: 21, place: "attic" }, { celsius: 4, place: "here" }];
    {
      await using manager = await open(directory.path, schema);
      await manager.apply({ celsius: 21, place: "  attic " });
      await manager.apply({ celsius: 4 } as Reading);
      assertEquals(manager.snapshot(), kept);
      const text = await readFile(manager.journalPath, "utf8");
      assert(text.includes('{"celsius":21,"place":"attic"}'), "the output is what is journaled");
    }
    const refuseAll = { ...z.never(), "~standard": z.never()["~standard"] };
    await using manager = await open(directory.path, refuseAll as StandardSchema<unknown, Reading>);
    assertEquals(manager.snapshot(), kept, "what is journaled is not validated again");
  });

  test(`apply() and applyAll() refuse what a ${library} schema refuses, and journal nothing`, async () => {
    await using directory = await temporaryDirectory();
    await using manager = await open(directory.path, schema);
    const cold = { celsius: -300, place: "here" };
    for (
      const call of [
        () => manager.apply(cold),
        () => manager.applyAll([{ ...cold, celsius: 1 }, cold]),
      ]
    ) {
      const error = await assertFails(call, {
        error: InvalidMutationError,
        code: "INVALID_MUTATION",
        says: /schema refuses.*273.*not journaled/,
      });
      assertInstanceOf(error, InvalidMutationError);
      assertEquals(error.issues.length, 1);
    }
    assertEquals(manager.sequence, 0);
    assertEquals((await manager.apply({ celsius: 1, place: "here" })).sequence, 1);
  });
}

function standard(validate: (value: unknown) => unknown): StandardSchema<unknown, Reading> {
  return { "~standard": { version: 1, vendor: "test", validate } } as StandardSchema<
    unknown,
    Reading
  >;
}

const reading = { celsius: 1, place: "here" };

test("apply() refuses a schema that returns a promise", async () => {
  await using directory = await temporaryDirectory();
  const asyncSchemas = [
    standard((value) => Promise.resolve({ value })),
    standard(() => Promise.reject(new Error("late"))),
    z.object({ celsius: z.number(), place: z.string() }).refine(() => Promise.resolve(true)),
  ];
  for (const schema of asyncSchemas) {
    await using manager = await open(directory.path, schema);
    const error = await failureOf(() => manager.apply(reading));
    assertInstanceOf(error, Error);
    assert(!(error instanceof MutationRejectedError));
    assertEquals(manager.sequence, 0);
  }
});

test("apply() says that a schema must be synchronous", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await open(directory.path, standard((value) => Promise.resolve({ value })));
  await assertFails(() => manager.apply(reading), {
    error: TypeError,
    says: /asynchronously.*use a synchronous one/,
  });
});

test("apply() refuses the mutation when the schema's output is not JSON", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await open(directory.path, standard(() => ({ value: new Date(0) })));
  await assertFails(() => manager.apply(reading), {
    error: InvalidMutationError,
    code: "INVALID_MUTATION",
    says: /class Date/,
  });
  assertEquals(manager.sequence, 0);
});

test("apply() fails with the schema's own error when the schema throws", async () => {
  await using directory = await temporaryDirectory();
  const planted = new Error("planted");
  await using manager = await open(
    directory.path,
    standard(() => {
      throw planted;
    }),
  );
  assertEquals(await failureOf(() => manager.apply(reading)), planted);
  assertEquals(manager.sequence, 0);
});

test("apply() accepts a schema's result without issues, however the schema says so", async () => {
  await using directory = await temporaryDirectory();
  for (const none of [undefined, null, false, 0, ""]) {
    await using manager = await open(
      directory.path,
      standard((value) => ({ value, issues: none })),
    );
    const before = manager.sequence;
    assertEquals((await manager.apply(reading)).sequence, before + 1);
    assertEquals((await manager.applyAll([reading, reading])).length, 2);
  }
});

test("apply() refuses the mutation whatever form a schema's issues have", async () => {
  await using directory = await temporaryDirectory();
  const rows: [issues: unknown, says: RegExp, count: number][] = [
    [[], /refuses the mutation: it gives no reason; it was not journaled/, 0],
    [[{}, null, 5, { message: "cold" }, { message: 7 }, { message: "wet" }], /: cold; wet; it/, 6],
    [[null], /it gives no reason/, 1],
    [true, /it gives no reason/, 1],
    ["cold", /it gives no reason/, 1],
    [{ message: "cold" }, /: cold; it/, 1],
  ];
  for (const [issues, says, count] of rows) {
    await using manager = await open(directory.path, standard(() => ({ value: reading, issues })));
    for (const call of [() => manager.apply(reading), () => manager.applyAll([reading])]) {
      const error = await assertFails(call, {
        error: InvalidMutationError,
        code: "INVALID_MUTATION",
        says,
      });
      assertEquals((error as InvalidMutationError).issues.length, count);
    }
    assertEquals(manager.sequence, 0);
  }
});

test("apply() says what is wrong with a result that the standard doesn't allow", async () => {
  await using directory = await temporaryDirectory();
  const rows: [answer: unknown, says: RegExp][] = [
    [undefined, /must answer with \{ value \} or \{ issues \}.*with undefined, and nothing/],
    [null, /with null,/],
    [true, /with true,/],
    ["text", /with text,/],
    [Symbol("none"), /with Symbol\(none\),/],
    [{}, /an object without either/],
    [{ issues: null }, /an object without either/],
    [{ then: (settle: (value: unknown) => void) => settle({ value: reading }) }, /asynchronously/],
    [{ then: (_: unknown, fail: (reason: unknown) => void) => fail("late") }, /asynchronously/],
  ];
  for (const [answer, says] of rows) {
    await using manager = await open(directory.path, standard(() => answer));
    await assertFails(() => manager.apply(reading), { error: TypeError, says });
    await assertFails(() => manager.applyAll([reading]), { error: TypeError, says });
    assertEquals(manager.sequence, 0);
  }
});
