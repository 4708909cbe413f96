// Tests the check that users run on their own mutators: it passes good ones, and names the rule that a bad one breaks.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import {
  type AnyMutator,
  checkMutator,
  MutatorCheckError,
  PowerCutDisk,
  type Random,
} from "../../testing.ts";
import { documentMutator } from "../../cli/document.ts";
import { findCrashFlaw } from "../../testing/mutator_crashes.ts";
import { subjectOf } from "../../testing/subject.ts";

interface Stock {
  items: Record<string, number>;
  log: { at: number; text: string }[];
}

interface Move {
  item: string;
  by: number;
}

const stock: AnyMutator<Stock, Move> = {
  initial: () => ({ items: {}, log: [] }),
  apply(state, { item, by }, { sequence, timestamp }) {
    const count = (state.items[item] ?? 0) + by;
    if (count < 0) throw new RangeError(`there are not as many of ${item}`);
    state.items[item] = count;
    state.log.push({ at: timestamp, text: `${sequence}: ${item} ${by}` });
    return count;
  },
};

function generate(random: Random): Move {
  return { item: random.pick(["nut", "bolt", "__proto__"]), by: random.below(7) - 2 };
}

/** The good mutator, with its `apply` replaced by a bad one. */
function bad(apply: (state: Stock, mutation: Move) => unknown): AnyMutator<Stock, Move> {
  return { initial: () => ({ items: {}, log: [] }), apply };
}

test("checkMutator() passes a good mutator, and says how much it checked", async () => {
  const report = await checkMutator(stock, { generate, seed: 1, historyCount: 2 });
  assertEquals(report.seed, 1);
  assertEquals(report.historyCount, 2);
  assert(report.rejected > 0, "no mutation was refused");
  assert(report.crashStates > 500, `only ${report.crashStates} crash states`);
  assertEquals(await checkMutator(stock, { generate, seed: 1, historyCount: 2 }), report);
});

test("checkMutator() passes a reducer, and one that opens states of an older version", async () => {
  const before: AnyMutator<unknown, unknown> = {
    name: "thermometer",
    initial: () => 0,
    reduce: (_, mutation) => (mutation as { fahrenheit: number }).fahrenheit,
  };
  const toCelsius = (fahrenheit: number) => Math.round((fahrenheit - 32) * 5 / 9);
  const after: AnyMutator<number, { celsius: number }> = {
    name: "thermometer",
    version: 2,
    initial: () => -18,
    reduce: (_, { celsius }) => celsius,
    migrate: {
      state: (state) => toCelsius(state as number),
      mutation: (mutation) => ({
        celsius: toCelsius((mutation as { fahrenheit: number }).fahrenheit),
      }),
    },
  };
  const report = await checkMutator(after, {
    generate: (random) => ({ celsius: random.below(40) }),
    older: [{ mutator: before, generate: (random) => ({ fahrenheit: random.below(100) }) }],
    historyCount: 1,
    mutationCount: 6,
  });
  assert(report.crashStates > 100);
});

test("checkMutator() passes a mutator that refuses in check()", async () => {
  const refusedAt = new Set<number>();
  const tank: AnyMutator<{ level: number }, { by: number }> = {
    initial: () => ({ level: 1 }),
    check({ level }, { by }, { sequence }) {
      if (level + by >= 0) return;
      refusedAt.add(sequence);
      throw new RangeError("it runs dry");
    },
    apply: (state, { by }) => state.level += by,
  };
  const generate = (random: Random) => ({ by: random.below(5) - 3 });
  const report = await checkMutator(tank, { generate, seed: 1, historyCount: 2 });
  assert(report.rejected > 0, "no mutation was refused");
  assert(refusedAt.size > 1, `only mutation ${[...refusedAt]} was refused`);
  assert(report.crashStates > 500, `only ${report.crashStates} crash states`);
  const forgetful = { ...tank, apply: () => Math.random() };
  const error = await assertRejects(
    () => checkMutator(forgetful, { generate, seed: 1 }),
    MutatorCheckError,
  );
  assertEquals(error.rule, "deterministic");
});

test("checkMutator() passes the command's own mutator, which changes its document in place", async () => {
  const report = await checkMutator(documentMutator, {
    // Removing what isn't there is refused.
    generate: (random) => [{ op: random.pick(["add", "remove"]), path: "/a", value: 1 }],
    seed: 1,
    historyCount: 1,
    mutationCount: 6,
  });
  assert(report.rejected > 0, "no patch was refused");
  assert(report.crashStates > 100, `only ${report.crashStates} crash states`);
});

let calls = 0;

const rows: { name: string; rule: string; shortest: number; mutator: AnyMutator<Stock, Move> }[] = [
  {
    name: "reads the clock",
    rule: "deterministic",
    shortest: 1,
    mutator: bad((state, { item }) => void state.log.push({ at: Date.now(), text: item })),
  },
  {
    name: "makes a new Date",
    rule: "deterministic",
    shortest: 1,
    mutator: bad((state, { item }) =>
      void state.log.push({ at: new Date().getTime(), text: item })
    ),
  },
  {
    name: "draws a number",
    rule: "deterministic",
    shortest: 1,
    mutator: bad((state, { item }) => void (state.items[item] = Math.random())),
  },
  {
    name: "returns its own number",
    rule: "deterministic",
    shortest: 1,
    mutator: bad(() => ++calls),
  },
  {
    name: "is a reducer that changes the state it receives",
    rule: "untouched",
    shortest: 1,
    mutator: {
      initial: (): Stock => ({ items: {}, log: [] }),
      reduce(state: Stock, { item, by }: Move) {
        state.items[item] = by;
        if (by > 2) throw new RangeError("too many");
        return state;
      },
    },
  },
  {
    name: "puts undefined into the state",
    rule: "json",
    shortest: 1,
    mutator: bad((state, { item, by }) => {
      state.items[item] = by === 0 ? undefined as unknown as number : by;
    }),
  },
];

for (const { name, rule, shortest, mutator } of rows) {
  test(`checkMutator() finds a mutator that ${name}`, async () => {
    const options = { generate, seed: 7, mutationCount: 20 };
    const error = await assertRejects(() => checkMutator(mutator, options), MutatorCheckError);
    assertEquals([error.rule, error.mutations.length], [rule, shortest]);
    assertEquals(error.seed, 7);
  });
}

test("checkMutator() finds a mutator that remembers outside of its state", async () => {
  let seen = new Set<string>();
  const mutator: AnyMutator<Stock, Move> = {
    initial() {
      seen = new Set();
      return { items: {}, log: [] };
    },
    apply(state, { item, by }) {
      if (seen.has(item)) state.items[item]! += by;
      else state.items[item] = by;
      seen.add(item);
    },
  };
  const error = await assertRejects(
    () => checkMutator(mutator, { generate, seed: 3 }),
    MutatorCheckError,
  );
  assertEquals(error.rule, "deterministic");
  assert(error.message.includes("from a snapshot"), error.message);
  assertEquals(error.mutations.length, 2);
});

const versionOne: AnyMutator<unknown, unknown> = {
  initial: () => ({ sum: 0 }),
  apply: (state, mutation) => (state as { sum: number }).sum += (mutation as Move).by,
};
const versionTwo = {
  version: 2,
  initial: () => ({ total: 0 }),
  apply: (state: { total: number }, { by }: Move) => state.total += by,
};
const older = [{ mutator: versionOne, generate: () => ({ item: "nut", by: 1 }) }];
const migrations: { name: string; mutator: AnyMutator<{ total: number }, Move> }[] = [
  { name: "has no migrate", mutator: versionTwo },
  {
    name: "forgets what a snapshot held",
    mutator: { ...versionTwo, migrate: { state: () => ({ total: 0 }) } },
  },
  {
    name: "throws on a state of the older version",
    mutator: {
      ...versionTwo,
      migrate: {
        state() {
          throw new Error("not today");
        },
      },
    },
  },
];

test("checkMutator() passes a new version that would accept what the older one refused", async () => {
  let migrated = 0;
  const strict: AnyMutator<unknown, unknown> = {
    ...versionOne,
    apply(state, mutation) {
      if ((mutation as Move).by > 1) throw new RangeError("too many");
      return (state as { sum: number }).sum += (mutation as Move).by;
    },
  };
  const mutator: AnyMutator<{ total: number }, Move> = {
    ...versionTwo,
    migrate: {
      state: (state) => ({ total: (state as { sum: number }).sum }),
      mutation(mutation) {
        migrated++;
        assert((mutation as Move).by <= 1, "a refused mutation was migrated");
        return mutation as Move;
      },
    },
  };
  let drawn = 0;
  // Every second one is refused.
  const old = [{ mutator: strict, generate: () => ({ item: "nut", by: 1 + drawn++ % 2 }) }];
  await checkMutator(mutator, { generate, older: old, historyCount: 1, mutationCount: 5, seed: 1 });
  assert(migrated > 0 && drawn === 5, `${migrated} of ${drawn}`);
});

for (const { name, mutator } of migrations) {
  test(`checkMutator() finds a new version that ${name}`, async () => {
    const error = await assertRejects(
      () => checkMutator(mutator, { generate, older, historyCount: 1, mutationCount: 4 }),
      MutatorCheckError,
    );
    assertEquals(error.rule, "migration");
  });
}

/** A mutator that changes after a number of mutations. */
function tiring(runsMax: number): AnyMutator<Stock, Move> {
  let runs = 0;
  return bad((state, { item }) => void (state.items[item] = ++runs > runsMax ? 1 : 0));
}

test("checkMutator() finds a state that recovery returns changed", async () => {
  const options = { generate, historyCount: 1, mutationCount: 3, seed: 1 };
  // Enough for the checks without a disk, and not for those with one: with this seed, as with most.
  const error = await assertRejects(() => checkMutator(tiring(60), options), MutatorCheckError);
  assertEquals(error.rule, "crash");
  assert(error.message.includes("differs"), error.message);
});

/** Explores the crashes of a few mutations on disks of one's own. */
function crashOn(makeDisk: () => PowerCutDisk, mutations: readonly Move[]) {
  const journaled = mutations.map((mutation) => ({ text: JSON.stringify(mutation), timestamp: 0 }));
  const options = { imagesMax: 1, seed: 1, onState: () => {}, makeDisk };
  return findCrashFlaw(subjectOf(stock, 1), journaled, options);
}

test("checkMutator() finds a disk that loses what was acknowledged", async () => {
  const loses = () => Object.assign(new PowerCutDisk(), { powerCut: () => new PowerCutDisk() });
  const flaw = await crashOn(loses, [1, 2, 3].map((by) => ({ item: "nut", by })));
  assertEquals(flaw?.rule, "crash");
  assert(flaw?.found.includes("recovery reached mutation 0: wanted 1 to 1"), flaw?.found);
});

test("checkMutator() reports a failing disk, wherever the disk refuses", async () => {
  const codes = new Set<string>();
  for (let at = 1, refused = true; refused; at++) {
    const fails = () =>
      Object.assign(new PowerCutDisk(), { fault: { at, how: "EIO" as const, sticky: true } });
    const flaw = await crashOn(fails, [{ item: "nut", by: 1 }]);
    refused = flaw !== null;
    if (flaw === null) continue;
    assertEquals(flaw.rule, "crash");
    assert(flaw.found.includes("running on a simulated disk failed: "), flaw.found);
    codes.add((flaw.cause as { code: string }).code);
  }
  assertEquals([...codes].sort(), ["IO_FAILED", "POISONED"]);
});

test("checkMutator() finds a mutator that fails when mutations share a batch, and so a timestamp", async () => {
  const mutator: AnyMutator<{ last: number; count: number }, Move> = {
    initial: () => ({ last: 0, count: 0 }),
    apply(state, _, { timestamp }) {
      const stands = timestamp === state.last;
      state.last = timestamp;
      state.count++;
      if (stands) state.count = NaN;
    },
  };
  // With this seed no two mutations in a row are drawn with the same timestamp, or two of them would be enough.
  const options = { generate, seed: 2, historyCount: 1, mutationCount: 4, imagesMax: 1 };
  const error = await assertRejects(() => checkMutator(mutator, options), MutatorCheckError);
  assertEquals([error.rule, error.mutations.length > 2], ["crash", true]);
});

test("checkMutator() finds a mutator that schedules work only when mutations share a batch", async () => {
  const mutator: AnyMutator<{ last: number }, Move> = {
    initial: () => ({ last: 0 }),
    apply(state, _, { timestamp }) {
      if (timestamp === state.last) setTimeout(() => {}, 0);
      state.last = timestamp;
    },
  };
  const options = { generate, seed: 2, historyCount: 1, mutationCount: 4, imagesMax: 1 };
  const error = await assertRejects(() => checkMutator(mutator, options), MutatorCheckError);
  assertEquals(error.rule, "deterministic");
  assert(error.message.includes("the mutator called setTimeout"), error.message);
  assert(error.mutations.length > 2, `${error.mutations.length}`);
});

test("checkMutator() finds a mutator whose initial() fails when it is called again", async () => {
  let begun = false;
  const mutator: AnyMutator<Stock, Move> = {
    ...stock,
    initial() {
      if (begun) throw new Error("begun already");
      begun = true;
      return { items: {}, log: [] };
    },
  };
  const error = await assertRejects(() => checkMutator(mutator, { generate }), MutatorCheckError);
  assertEquals(error.rule, "deterministic");
  assert(error.message.includes("initial() fails: begun already"), error.message);
});

test("checkMutator() finds a mutator whose state stops being JSON at some point", async () => {
  const soon = Date.now() + 1e9;
  const mutator = bad((state, { item }) => {
    const isLater = new Date().getTime() > new Date(soon).getTime();
    state.items[item] = isLater ? NaN : 1;
  });
  const error = await assertRejects(() => checkMutator(mutator, { generate }), MutatorCheckError);
  assertEquals(error.rule, "deterministic");
  assert(error.message.includes("the number NaN"), error.message);
});

test("checkMutator() treats anything thrown as an outcome", async () => {
  const mutator = bad((state, { item, by }) => {
    if (by < 0) throw "not an error";
    state.items[item] = by;
  });
  const report = await checkMutator(mutator, {
    generate,
    historyCount: 1,
    mutationCount: 6,
    seed: 2,
  });
  assert(report.rejected > 0);
});

test("checkMutator() shortens long values in its message", async () => {
  const mutator = bad((state, { item }) => {
    state.log.push({ at: 0, text: `${item}${Math.random()}`.padEnd(200, ".") });
  });
  const error = await assertRejects(() => checkMutator(mutator, { generate }), MutatorCheckError);
  assert(error.message.includes("…"), error.message);
});

test("checkMutator() reports that the schema refuses what generate returns", async () => {
  const refusing = {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: () => ({ issues: [{ message: "no" }] }),
    },
  };
  const mutator = { ...stock, schema: refusing } as AnyMutator<Stock, Move>;
  const error = await assertRejects(() => checkMutator(mutator, { generate, historyCount: 1 }));
  assertEquals((error as { code?: string }).code, "INVALID_MUTATION");
});

test("checkMutator() finds a migration that changes after a while", async () => {
  let calls = 0;
  const state = (old: unknown) => ({
    total: (old as { sum: number }).sum + (++calls > 30 ? 1 : 0),
  });
  const mutator: AnyMutator<{ total: number }, Move> = { ...versionTwo, migrate: { state } };
  const options = { generate, older, historyCount: 1, mutationCount: 1 };
  const error = await assertRejects(() => checkMutator(mutator, options), MutatorCheckError);
  assertEquals(error.rule, "migration");
  assert(error.message.includes("of the first start"), error.message);
});

test("checkMutator() names no place when a migration differs each time", async () => {
  let calls = 0;
  const state = (old: unknown) => {
    const total = (old as { sum: number }).sum;
    // The first few, which compare a snapshot with the journal, are the same.
    return { total: ++calls > 10 ? total + calls : total };
  };
  const mutator: AnyMutator<{ total: number }, Move> = { ...versionTwo, migrate: { state } };
  const options = { generate, older, historyCount: 1, mutationCount: 1 };
  const error = await assertRejects(() => checkMutator(mutator, options), MutatorCheckError);
  assertEquals(error.rule, "migration");
  assert(error.message.includes("migrated in the same way, the state differs"));
});

test("checkMutator() finds a migration that throws, whenever that is", async () => {
  let calls = 0;
  const checkUpTo = (callsMax: number) => {
    calls = 0;
    const state = (old: unknown) => {
      if (++calls > callsMax) throw new Error("tired");
      return { total: (old as { sum: number }).sum };
    };
    const mutator: AnyMutator<{ total: number }, Move> = { ...versionTwo, migrate: { state } };
    return checkMutator(mutator, { generate, older, historyCount: 1, mutationCount: 1, seed: 1 });
  };
  await checkUpTo(Infinity);
  const total = calls;
  for (const callsMax of [0, 1, 2, 3, ...Array.from({ length: 9 }, (_, i) => total - 1 - i)]) {
    const error = await assertRejects(() => checkUpTo(callsMax), MutatorCheckError);
    assertEquals(error.rule, "migration");
    assert(error.message.includes("tired"), error.message);
  }
});

test("checkMutator() finds an older version that breaks the rules itself", async () => {
  const mutator: AnyMutator<unknown, unknown> = {
    version: 3,
    initial: () => ({ sum: 0 }),
    apply: (state) => void ((state as { sum: unknown }).sum = undefined),
  };
  const newer = { ...versionTwo, version: 4, migrate: { state: () => ({ total: 0 }) } };
  const error = await assertRejects(
    () =>
      checkMutator(newer, { generate, older: [{ mutator, generate: () => 1 }], historyCount: 1 }),
    MutatorCheckError,
  );
  assert(error.message.includes("version 3 itself is unfit"), error.message);
});

test("checkMutator() restores the clock and the random numbers", async () => {
  const { Date: realDate } = globalThis;
  const { random } = Math;
  await checkMutator(stock, { generate, historyCount: 1, mutationCount: 2 });
  assertEquals([globalThis.Date, Math.random], [realDate, random]);
});

test("checkMutator() passes a mutator whose keys are one escape apart", async () => {
  const keeper: AnyMutator<Record<string, unknown>[], string> = {
    initial: () => [],
    apply: (state, key) => {
      state.push({ q: 0, [key]: key });
      return { q: 0, [key]: key };
    },
  };
  const generate = (random: Random) => random.pick(["k\\", "k\n", 'k"']);
  await checkMutator(keeper, { generate, seed: 1, historyCount: 4 });
});
