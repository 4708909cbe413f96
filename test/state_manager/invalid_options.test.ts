// Tests that invalid options, names and mutators get a TypeError or RangeError that says what is expected, and leave no trace on the disk.

import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { StateManager } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { failureOf } from "../support/errors.ts";
import { counter, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

interface Row {
  title: string;
  error: typeof TypeError | typeof RangeError;
  says: RegExp;
}

type OptionRow = Row & { options: unknown };

const optionRows: OptionRow[] = [
  {
    title: "an unknown option",
    options: { sync: true },
    error: TypeError,
    says: /"sync": the options are fs/,
  },
  { title: "a misspelled option", options: { readonly: true }, error: TypeError, says: /readOnly/ },
  { title: "null for options", options: null, error: TypeError, says: /must be an object/ },
  { title: "a string for options", options: "fast", error: TypeError, says: /must be an object/ },
  { title: "an invalid fs", options: { fs: {} }, error: TypeError, says: /a DurableFs/ },
  {
    title: "an unknown word",
    options: { onCorruption: "ignore" },
    error: TypeError,
    says: /one of "fail", "quarantine", got "ignore"/,
  },
  { title: "a word for yes", options: { readOnly: "yes" }, error: TypeError, says: /true, false/ },
];

const journalOptionRows: OptionRow[] = [
  {
    title: "a segment size of 0",
    options: { segmentSizeMax: 0 },
    error: RangeError,
    says: /"segmentSizeMax" must be a whole number from 65536 to/,
  },
  {
    title: "a fraction",
    options: { segmentSizeMax: 70000.5 },
    error: RangeError,
    says: /whole number/,
  },
  { title: "a NaN", options: { recordSizeMax: NaN }, error: RangeError, says: /whole number/ },
  {
    title: "a number as text",
    options: { recordSizeMax: "1000" },
    error: TypeError,
    says: /whole number from 64/,
  },
  {
    title: "a record size over the format's limit",
    options: { recordSizeMax: 2 ** 30 },
    error: RangeError,
    says: /to 7864320/,
  },
  {
    title: "a seal delay of 0",
    options: { sealAfterIdleMs: 0 },
    error: RangeError,
    says: /from 1 to/,
  },
  {
    title: "a number for what may wait",
    options: { waitingMax: 5 },
    error: RangeError,
    says: /an object/,
  },
  {
    title: "an unknown limit of what may wait",
    options: { waitingMax: { call: 5 } },
    error: TypeError,
    says: /with calls and bytes only/,
  },
  {
    title: "no calls that may wait",
    options: { waitingMax: { calls: 0 } },
    error: TypeError,
    says: /whose calls is a whole number from 1/,
  },
  { title: "a time for a clock", options: { clock: 5 }, error: RangeError, says: /a function/ },
];

const managerOptionRows: OptionRow[] = [
  {
    title: "an unknown compaction",
    options: { compaction: "never" },
    error: TypeError,
    says: /"automatic", "manual"/,
  },
  {
    title: "a tiny compaction size",
    options: { compactionSize: 1 },
    error: RangeError,
    says: /from 4096/,
  },
  {
    title: "one snapshot kept",
    options: { snapshotsKept: 1 },
    error: RangeError,
    says: /from 2 to/,
  },
  {
    title: "no function to report to",
    options: { onCompactionError: true },
    error: TypeError,
    says: /a function/,
  },
];

const journalWithManagerOption: OptionRow = {
  title: "a manager's option",
  options: { compaction: "manual" },
  error: TypeError,
  says: /Unknown option "compaction"/,
};

// deno-lint-ignore no-explicit-any -- wrong types are the point
type Opener = (directory: string, name: any, options?: any) => Promise<AsyncDisposable>;

const openers: Record<string, { open: Opener; rows: OptionRow[] }> = {
  "StateManager.open()": {
    open: (directory, name, options) => StateManager.open(directory, name, counter, options),
    rows: [...optionRows, ...journalOptionRows, ...managerOptionRows],
  },
  "Journal.open()": {
    open: (directory, name, options) => Journal.open(directory, name, options),
    rows: [...optionRows, ...journalOptionRows, journalWithManagerOption],
  },
  "SnapshotStore.open()": {
    open: (directory, name, options) => SnapshotStore.open(directory, name, options),
    rows: [...optionRows.filter(({ title }) => title !== "an unknown word"), {
      ...journalWithManagerOption,
      title: "another class's option",
    }],
  },
};

const nameRows: { title: string; name: unknown }[] = [
  { title: "a path upwards", name: "../escaped" },
  { title: "a path upwards with our ending", name: "../escaped.wal.jsonl" },
  { title: "an absolute path", name: "/tmp/escaped" },
  { title: "a path downwards", name: "sub/journal" },
  { title: "a backslash", name: "sub\\journal" },
  { title: "nothing", name: "" },
  { title: "only our ending", name: ".wal.jsonl" },
  { title: "a dot", name: "." },
  { title: "two dots", name: ".." },
  { title: "a hidden file", name: ".hidden" },
  { title: "a dash in front", name: "-rf" },
  { title: "a NUL", name: "a\0b" },
  { title: "a line feed", name: "a\nb" },
  { title: "a line feed at the end", name: "a\n" },
  { title: "an escape sequence", name: "a\u001b[2Jb" },
  { title: "a letter beyond ASCII", name: "zähler" },
  { title: "too many characters", name: "n".repeat(129) },
  { title: "a number", name: 7 },
  { title: "undefined", name: undefined },
];

async function assertRefused(open: () => Promise<AsyncDisposable>, row: Row): Promise<void> {
  const error = await failureOf(async () => await (await open())[Symbol.asyncDispose]());
  assertInstanceOf(error, Error);
  assertEquals(error.constructor, row.error, String(error));
  assertMatch(error.message, row.says);
}

for (const [call, { open, rows }] of Object.entries(openers)) {
  for (const row of rows) {
    test(`${call} refuses the options when given ${row.title}`, async () => {
      await using directory = await temporaryDirectory();
      await assertRefused(() => open(directory.join("state"), "test", row.options), row);
      assertEquals(await readdir(directory.path), [], "nothing may be made");
    });
  }

  for (const { title, name } of nameRows) {
    test(`${call} refuses the journal's name when it is ${title}`, async () => {
      await using directory = await temporaryDirectory();
      const row = { title, error: TypeError, says: /journal's name must be/ };
      await assertRefused(() => open(directory.join("state"), name), row);
      assertEquals(await readdir(directory.path), [], "nothing may be made");
    });
  }

  test(`${call} refuses the directory when it is not a path`, async () => {
    // deno-lint-ignore no-explicit-any -- wrong types are the point
    for (const path of ["", "a\0b", 5, null, undefined] as any[]) {
      const row = { title: "", error: TypeError, says: /state directory must be a non-empty path/ };
      await assertRefused(() => open(path, "test"), row);
    }
  });

  test(`${call} takes defaults when options are undefined`, async () => {
    await using directory = await temporaryDirectory();
    await using opened = await open(directory.path, "test", { fs: undefined, readOnly: undefined });
    assertInstanceOf(opened, Object);
  });
}

test("StateManager.open() accepts the longest name, and all three spellings of a name", async () => {
  await using directory = await temporaryDirectory();
  const stem = `${"n".repeat(126)}.1`;
  for (const name of [stem, `${stem}.jsonl`, `${stem}.wal.jsonl`]) {
    await using manager = await StateManager.open(directory.path, name, counter);
    await manager.apply({ by: 1 });
    assertEquals(manager.journalPath, directory.join(`${stem}-0000000000000001.wal.jsonl`));
  }
});

test("calls that take options, ranges, sequences or paths refuse anything else in terms of the API", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await StateManager.open(directory.join("state"), "test", counter);
  await using journal = await Journal.open(directory.join("journal"), "test");
  await using store = await SnapshotStore.open(directory.join("store"), "test");
  // deno-lint-ignore no-explicit-any -- wrong types are the point
  const calls: Record<string, [call: (value: any) => unknown, error: Row["error"], says: RegExp]> =
    {
      "changes()": [
        (value) => manager.changes(value).next(),
        TypeError,
        /^The options must be an object/,
      ],
      "changes({ from })": [
        (from) => manager.changes({ from: from ?? "" }).next(),
        RangeError,
        /^"from" must be a sequence/,
      ],
      "stats()": [(value) => manager.stats(value), TypeError, /^The options must be an object/],
      "replay()": [(value) => journal.replay(value).next(), TypeError, /^The options must be/],
      "replay({ to })": [
        (to) => journal.replay({ to: to ?? "" }).next(),
        RangeError,
        /^"to" must be a sequence/,
      ],
      "stateAt()": [(value) => manager.stateAt(value), RangeError, /^"sequence" must be a whole/],
      "create()": [(value) => store.create(value, {}), RangeError, /^"sequence" must be a seq/],
      "backup()": [
        (value) => manager.backup(value === "text" || typeof value === "symbol" ? "" : value),
        TypeError,
        /^The state directory must be a non-empty path/,
      ],
    };
  for (const [name, [call, error, says]] of Object.entries(calls)) {
    for (const value of [null, "text", 1.5, true, 5n, Symbol("s"), () => 1]) {
      await assertRefused(() => call(value) as Promise<AsyncDisposable>, {
        title: `${name} given ${String(value)}`,
        error,
        says,
      });
    }
  }
});

test("open() says what it got when an option is not JSON", async () => {
  await using directory = await temporaryDirectory();
  const cases: [unknown, string][] = [[NaN, "NaN"], [5n, "5"], [Symbol("x"), "Symbol(x)"], [
    "5",
    '"5"',
  ]];
  for (const [value, found] of cases) {
    const options = { compactionSize: value as number };
    const error = await openLedger(directory.path, options).catch((cause) => cause);
    assertEquals(error.message.endsWith(`, got ${found}`), true, error.message);
  }
});
