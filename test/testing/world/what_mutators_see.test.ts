// Tests the check that users run on their own mutators: it finds what a mutator reads from its environment and a replay reads differently.

import { assert, assertEquals, assertRejects } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import { type AnyMutator, checkMutator, MutatorCheckError, type Random } from "../../../testing.ts";
import { own, run } from "../../support/runtimes.ts";

type Kept = Record<string, string | number | boolean>;

interface Note {
  text: string;
  time: number;
}

const generate = (random: Random): Note => ({
  text: random.pick(["title", "zt", "ta", "Istanbul"]),
  time: random.below(1_700_000_000) * 1000,
});

/** A mutator that keeps what a function gives it. */
function keeps(
  give: (note: Note, timestamp: number, state: Kept) => string | number | boolean,
): AnyMutator<Kept, Note> {
  return {
    initial: () => ({}),
    apply: (state, note, { timestamp }) => void (state.kept = give(note, timestamp, state)),
  };
}

const local = (time: number) => new Date(time);
const anyDate = (time: number) => new Date(time) as unknown as Record<string, () => number>;
const temporal = (globalThis as unknown as {
  Temporal: {
    Now: Record<
      string,
      () => { epochMilliseconds: number; timeZoneId: string; toString(): string }
    >;
    Instant: { fromEpochMilliseconds(time: number): { toLocaleString(locale?: string): string } };
  };
}).Temporal;

const time = "at another time";
const chance = "with other random numbers";
const zone = "in another time zone";
const locale = "in another locale";

const rows: [name: string, how: string, give: Parameters<typeof keeps>[0]][] = [
  ["Date.now()", time, () => Date.now()],
  ["new Date()", time, () => new Date().toISOString()],
  ["Date()", time, () => Date()],
  ["the weekday of today", time, () => new Date().getUTCDay()],
  ["the month of today", time, () => new Date().getUTCMonth()],
  ["a class of dates", time, () => new (class extends Date {})().getTime()],
  ["how old a mutation is", time, (_, timestamp) => Date.now() - timestamp < 60_000],
  ["whether a year has come", time, () => Date.now() > Date.UTC(2050, 0, 1)],
  ["performance.now()", time, () => performance.now()],
  ["performance.timeOrigin", time, () => performance.timeOrigin],
  ["how long something takes", time, () => -Date.now() + Date.now()],
  ["Intl's time of today", time, () => new Intl.DateTimeFormat("en", { timeZone: "UTC" }).format()],
  [
    "Intl's parts of today",
    time,
    () => new Intl.DateTimeFormat("en", { timeZone: "UTC" }).formatToParts()[0]!.value,
  ],
  ["Temporal.Now", time, () => temporal.Now.instant!().epochMilliseconds],
  ["Temporal's date of today", time, () => String(temporal.Now.plainDateISO!())],
  ["Temporal's time of day", time, () => String(temporal.Now.plainTimeISO!())],
  ["Temporal's date and time", time, () => String(temporal.Now.plainDateTimeISO!())],
  ["Math.random()", chance, () => Math.random()],
  ["a coin", chance, () => Math.random() < 0.5],
  ["crypto.randomUUID()", chance, () => crypto.randomUUID()],
  ["crypto.getRandomValues()", chance, () => crypto.getRandomValues(new Uint16Array(3))[2]!],
  ["the hour", zone, ({ time }) => local(time).getHours()],
  ["the date", zone, ({ time }) => local(time).getDate()],
  ["the weekday", zone, ({ time }) => local(time).getDay()],
  ["the minute", zone, ({ time }) => local(time).getMinutes()],
  ["the month", zone, ({ time }) => local(time).getMonth()],
  ["the year", zone, (_, timestamp) => local(Date.UTC(2020, 0, 1) + timestamp % 3).getFullYear()],
  ["the short year", zone, () => anyDate(Date.UTC(2020, 0, 1)).getYear!()],
  ["the midnight of a day", zone, ({ time }) => new Date(time).setHours(0, 0, 0, 0)],
  ["the beginning of a month", zone, ({ time }) => new Date(time).setDate(1)],
  ["a date of numbers", zone, () => new Date(2024, 1, 29, 12).getTime()],
  ["a date of a text", zone, () => new Date("2024-02-29T12:00").getTime()],
  ["a text in an old form", zone, () => Date.parse("Feb 29, 2024 12:00")],
  ["a text with a blank", zone, () => Date.parse("2024-02-29 12:00:00")],
  ["the zone's offset", zone, ({ time }) => local(time).getTimezoneOffset()],
  ["a date's text", zone, ({ time }) => String(local(time))],
  ["a day's text", zone, ({ time }) => local(time).toDateString()],
  ["a time's text", zone, ({ time }) => local(time).toTimeString()],
  ["a date's text in English", zone, ({ time }) => local(time).toLocaleString("en")],
  ["a day in English", zone, ({ time }) => local(time).toLocaleDateString("en-GB")],
  ["the zone's name", zone, () => Intl.DateTimeFormat().resolvedOptions().timeZone],
  [
    "Intl's zone",
    zone,
    ({ time }) => new Intl.DateTimeFormat("en", { hour: "numeric" }).format(time),
  ],
  ["Temporal's zone", zone, () => String(temporal.Now.timeZoneId!())],
  ["Temporal's zoned time", zone, () => temporal.Now.zonedDateTimeISO!().timeZoneId],
  ["Temporal's text", zone, () => temporal.Instant.fromEpochMilliseconds(0).toLocaleString("en")],
  ["a number's text", locale, ({ time }) => time.toLocaleString()],
  ["a small number's text", locale, () => (5).toLocaleString()],
  ["a BigInt's text", locale, () => 5n.toLocaleString()],
  ["numbers' text", locale, () => [5].toLocaleString()],
  ["the order of letters", locale, () => ["ta", "zt"].sort((a, b) => a.localeCompare(b)).join()],
  ["a Collator", locale, () => ["ta", "zt"].sort(new Intl.Collator().compare).join()],
  ["capital letters", locale, () => "title".toLocaleUpperCase()],
  ["small letters", locale, () => "ISTANBUL".toLocaleLowerCase()],
  [
    "a date in UTC",
    locale,
    ({ time }) => local(time).toLocaleDateString(undefined, { timeZone: "UTC" }),
  ],
  ["the locale's name", locale, () => new Intl.NumberFormat([]).resolvedOptions().locale],
  ["a class of formats", locale, () => new (class extends Intl.NumberFormat {})().format(1.5)],
  ["a list", locale, () => new Intl.ListFormat(undefined).format(["a", "b", "c"])],
];

for (const [name, how, give] of rows) {
  test(`checkMutator() finds a mutator that keeps ${name}`, async () => {
    const error = await assertRejects(
      () => checkMutator(keeps(give), { generate, seed: 11 }),
      MutatorCheckError,
    );
    assertEquals([error.rule, error.mutations.length], ["deterministic", 1]);
    assert(
      error.message.includes(`replayed ${how}, mutation 1 leads to a different state`),
      error.message,
    );
  });
}

test("checkMutator() names what a mutator that uses the browser's language depends on", async () => {
  const { navigator } = globalThis as unknown as {
    navigator?: { language?: string; languages?: string[] };
  };
  if (navigator?.language === undefined) return; // Bun has none
  for (const give of [() => navigator.language!, () => navigator.languages!.join()]) {
    const error = await assertRejects(
      () => checkMutator(keeps(give), { generate }),
      MutatorCheckError,
    );
    assert(error.message.includes(locale), error.message);
  }
});

test("checkMutator() checks where there is no navigator, as in older versions of the runtimes", async () => {
  const navigator = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Reflect.deleteProperty(globalThis, "navigator");
  try {
    const options = { generate, historyCount: 1, mutationCount: 2 };
    await checkMutator(keeps(({ text }) => text), options);
    const error = await assertRejects(
      () => checkMutator(keeps(() => (5).toLocaleString()), options),
      MutatorCheckError,
    );
    assert(error.message.includes(locale), error.message);
  } finally {
    if (navigator !== undefined) Object.defineProperty(globalThis, "navigator", navigator);
  }
});

test("checkMutator() finds a mutator that behaves while it is being checked", async () => {
  const error = await assertRejects(
    () => checkMutator(keeps(() => queueMicrotask.name), { generate }),
    MutatorCheckError,
  );
  assertEquals([error.rule, error.mutations.length], ["deterministic", 1]);
  assert(error.message.includes("replayed on this machine as it is"), error.message);
});

test("checkMutator() passes a mutator that names its time zone and its locale", async () => {
  const day = new Intl.DateTimeFormat("de", { timeZone: "Europe/Berlin" });
  const mutator: AnyMutator<Kept, Note> = {
    initial: () => ({}),
    apply(state, { text, time }, { timestamp }) {
      const date = new Date(time);
      const same = new Date(date.getFullYear(), date.getMonth(), date.getDate(), date.getHours());
      same.setMinutes(date.getMinutes(), date.getSeconds(), date.getMilliseconds());
      state.sameTime = same.getTime();
      state.sameText = Date.parse(String(new Date(time)));
      state.iso = new Date(timestamp).toISOString();
      state.isDate = date instanceof Date && date.constructor === Date &&
        structuredClone(date) instanceof Date;
      state.parsed = Date.parse("2024-02-29T12:00:00+02:00") + Date.parse("2024-02-29") +
        new Date("Thu, 29 Feb 2024 12:00:00 GMT").getTime() + new Date(date).getTime();
      state.invalid = String(new Date(NaN)) + new Date(NaN).getTimezoneOffset() +
        new Date("nonsense").getTime();
      state.year = new Date(timestamp).getUTCFullYear();
      state.day = day.format(time) + date.toLocaleTimeString("en", { timeZone: "Asia/Tokyo" });
      state.text = text.toLocaleUpperCase("tr") + time.toLocaleString("de-CH") +
        text.localeCompare("a", "et");
      state.order = ["z", "t"].sort(new Intl.Collator("et").compare).join();
    },
  };
  const report = await checkMutator(mutator, { generate, historyCount: 1, mutationCount: 6 });
  assert(report.crashStates > 0);
});

test("checkMutator() passes a mutator that waits for the clock and measures, and keeps none of it", async () => {
  let spent = 0;
  const mutator: AnyMutator<Kept, Note> = {
    initial: () => ({}),
    apply(state, { text }) {
      const begin = Date.now();
      const started = performance.now();
      while (Date.now() < begin + 5);
      spent += performance.now() - started;
      state.text = text;
    },
  };
  await checkMutator(mutator, { generate, historyCount: 1, mutationCount: 2 });
  assert(spent > 0);
});

const timers: [name: string, start: () => void][] = [
  ["setTimeout()", () => void setTimeout(() => {}, 1000).unref()],
  ["setInterval()", () => clearInterval(setInterval(() => {}, 1000))],
  ["setImmediate()", () => void setImmediate(() => {})],
  ["queueMicrotask()", () => queueMicrotask(() => {})],
];

for (const [name, start] of timers) {
  test(`checkMutator() finds a mutator that calls ${name}`, async () => {
    const error = await assertRejects(
      () => checkMutator(keeps(() => (start(), 1)), { generate }),
      MutatorCheckError,
    );
    assertEquals([error.rule, error.mutations.length], ["deterministic", 1]);
    assert(error.message.includes(`called ${name}`), error.message);
  });
}

test("checkMutator() finds a mutator whose initial() calls a timer", async () => {
  const initial = () => (queueMicrotask(() => {}), {});
  const mutator: AnyMutator<Kept, Note> = { initial, apply: () => 1 };
  const error = await assertRejects(() => checkMutator(mutator, { generate }), MutatorCheckError);
  assert(error.message.includes("queueMicrotask"), error.message);
});

const later: [name: string, run: (change: () => void) => void][] = [
  ["a promise", (change) => void Promise.resolve().then(change)],
  ["an async function", async (change) => {
    await null;
    await null;
    change();
  }],
  [
    "its own timer",
    (change) => process.nextTick(change),
  ],
];

for (const [name, run] of later) {
  test(`checkMutator() finds a mutator that changes the state later by ${name}`, async () => {
    const mutator: AnyMutator<Kept, Note> = {
      initial: () => ({}),
      apply(state, { text }) {
        state.now = text;
        run(() => state.later = `${state.later ?? ""}${text}`);
      },
    };
    const error = await assertRejects(() => checkMutator(mutator, { generate }), MutatorCheckError);
    assertEquals([error.rule, error.mutations.length], ["deterministic", 1]);
    assert(error.message.includes("later"), error.message);
  });
}

test("checkMutator() finishes in a program that waits for nothing else and whose timers are frozen", async () => {
  assertEquals(await run(own, "check_alone.ts", []), ["none", "deterministic"]);
});

test("checkMutator() finds an initial state that differs each time", async () => {
  for (const initial of [() => ({ at: Date.now() }), () => ({ hour: new Date(0).getHours() })]) {
    const mutator: AnyMutator<Kept, Note> = { initial, apply: () => 1 };
    const error = await assertRejects(() => checkMutator(mutator, { generate }), MutatorCheckError);
    assert(error.message.includes("initial() returns a different state"), error.message);
  }
});

test("checkMutator() finds an initial() that fails at some point", async () => {
  const mutator: AnyMutator<Kept, Note> = {
    initial() {
      if (Date.now() > Date.UTC(2070, 0, 1)) throw new Error("too old");
      return {};
    },
    apply: () => 1,
  };
  const error = await assertRejects(() => checkMutator(mutator, { generate }), MutatorCheckError);
  assertEquals(error.rule, "deterministic");
  assert(error.message.includes("initial() fails: too old"), error.message);
  assert(error.cause instanceof Error);
});

/** Keeps the first text of each length in a variable, where a restart loses it. */
function withCache(): AnyMutator<Kept, Note> {
  const cache = new Map<number, string>();
  return {
    initial: () => ({ count: 0 }),
    apply(state, { text }) {
      state.count = (state.count as number) + 1;
      const known = cache.get(text.length) ?? `${text} ${state.count}`;
      cache.set(text.length, known);
      state[text] = known;
    },
  };
}

test("checkMutator() accepts a function that makes mutators, and finds a cache in its variables", async () => {
  const same = (random: Random) => ({ text: random.pick(["a", "b"]), time: 0 });
  const error = await assertRejects(
    () => checkMutator(withCache, { generate: same, seed: 5 }),
    MutatorCheckError,
  );
  assertEquals([error.rule, error.mutations.length], ["deterministic", 2]);
  assert(error.message.includes("replayed from a snapshot after 1"), error.message);
});

test("checkMutator() makes a new mutator for every run, and accepts such a function for an older version, too", async () => {
  let made = 0;
  const make = (version: number) => (): AnyMutator<unknown, unknown> => {
    made++;
    let runs = 0;
    return {
      version,
      migrate: {},
      initial: () => ({ runs: 0 }),
      apply: (state) => (runs++, (state as { runs: number }).runs++),
    };
  };
  const report = await checkMutator(make(2), {
    generate,
    older: [{ mutator: make(1), generate }],
    historyCount: 1,
    mutationCount: 3,
  });
  assert(made > report.crashStates);
});

test("checkMutator() finds a migration that reads the clock or the time zone", async () => {
  const states = [() => ({ at: Date.now() }), () => ({ at: new Date(0).getHours() })];
  for (const state of states) {
    const mutator = { version: 2, initial: () => ({ at: 0 }), apply: () => 1, migrate: { state } };
    const older = [{ mutator: { initial: () => ({}), apply: () => 1 }, generate: () => 1 }];
    const error = await assertRejects(
      () => checkMutator(mutator, { generate, older, historyCount: 1, mutationCount: 2 }),
      MutatorCheckError,
    );
    assertEquals(error.rule, "migration");
    assert(
      /migrated (at another time|in another time zone)/.test(error.message),
      error.message,
    );
  }
});

test("checkMutator() finds a mutator that depends on real timestamps, and on those that change", async () => {
  const gives: Parameters<typeof keeps>[0][] = [
    // Only with timestamps of this century, and only when they are not all the same.
    (_, timestamp) => timestamp > 1e12 ? Math.random() : 0,
    (_, timestamp, state) => {
      const moved = state.seen !== undefined && state.seen !== timestamp;
      state.seen = timestamp;
      return moved ? Math.random() : 0;
    },
    (_, timestamp, state) => {
      const isBack = (state.seen as number) > timestamp;
      state.seen = timestamp;
      return isBack ? Math.random() : 0;
    },
  ];
  for (const give of gives) {
    const options = { generate, seed: 3, mutationCount: 40 };
    const error = await assertRejects(() => checkMutator(keeps(give), options), MutatorCheckError);
    assertEquals(error.rule, "deterministic");
  }
});

const globals = () => {
  const { navigator, Temporal } = globalThis as unknown as Record<string, object>;
  const objects = [
    globalThis,
    Date,
    Date.prototype,
    performance,
    Math,
    crypto,
    Intl,
    Intl.DateTimeFormat.prototype,
    Number.prototype,
    BigInt.prototype,
    String.prototype,
    navigator ?? {},
    temporal.Now,
    ...Object.values(Object.getOwnPropertyDescriptors(Temporal ?? {})).map(({ value }) =>
      (value as { prototype?: object } | undefined)?.prototype ?? {}
    ),
  ];
  return objects.map((object) => Object.getOwnPropertyDescriptors(object));
};

test("checkMutator() restores everything, also when a mutator throws", async () => {
  const before = globals();
  const throwing = keeps(() => {
    throw new Error(`${Date.now()} ${Math.random()}`);
  });
  await assertRejects(() => checkMutator(throwing, { generate }), MutatorCheckError);
  const failing: AnyMutator<Kept, Note> = {
    initial() {
      if (Date.now() > Date.UTC(2070, 0, 1)) throw new Error("too old");
      return {};
    },
    apply: () => 1,
  };
  await assertRejects(() => checkMutator(failing, { generate }), MutatorCheckError);
  for (const [index, members] of globals().entries()) {
    const wanted = before[index] as Record<PropertyKey, PropertyDescriptor>;
    assertEquals(Reflect.ownKeys(members), Reflect.ownKeys(wanted));
    for (const key of Reflect.ownKeys(members)) {
      const is = (members as typeof wanted)[key]!;
      for (const part of Object.keys(is) as (keyof PropertyDescriptor)[]) {
        assert(Object.is(is[part], wanted[key]![part]), `${String(key)} has another ${part}`);
      }
    }
  }
});

test("checkMutator() reports the same with the same seed, whatever the date and the machine's random numbers", async () => {
  const mutator = keeps(() => `${Date.now()} ${Math.random()} ${crypto.randomUUID()}`);
  const messages: string[] = [];
  for (let i = 0; i < 2; i++) {
    const error = await assertRejects(
      () => checkMutator(mutator, { generate, seed: 21 }),
      MutatorCheckError,
    );
    messages.push(error.message);
  }
  assertEquals(messages[0], messages[1]);
});
