// Tests what following costs and how it ends: no file and no read while it keeps up, and it always ends at once.

import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { type Change, StateManager } from "@ministate/ministate";
import { PowerCutDisk } from "@ministate/ministate/testing";
import { detectFs } from "../../runtime/detect.ts";
import { READS_MAX } from "../../src/journal/turns.ts";
import { assertFails } from "../support/errors.ts";
import { countOpenFiles } from "../support/open_files.ts";
import { journalName, type Ledger, ledger, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { until } from "../support/until.ts";
import { hooked, systemError, wrapFs } from "../support/wrapped_fs.ts";

type Manager = StateManager<Ledger, unknown, number>;
type Changes = AsyncGenerator<Change<unknown>, void, void>;

const over: IteratorReturnResult<void> = { done: true, value: undefined };
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Follows up to `last`. */
async function follow(changes: Changes, last: number): Promise<number[]> {
  const seen: number[] = [];
  for await (const { sequence } of changes) {
    seen.push(sequence);
    if (sequence === last) break;
  }
  return seen;
}

const endings: Record<string, (changes: Changes, manager: Manager) => unknown> = {
  "return()": (changes) => changes.return(),
  "throw()": (changes) => changes.throw(new Error("planted")).catch(() => {}),
  "asyncDispose": (changes) => changes[Symbol.asyncDispose](),
  "close()": (_, manager) => manager.close(),
};

for (const [name, end] of Object.entries(endings)) {
  test(`changes() that waits ends with ${name}, and so do all calls of next()`, async () => {
    await using directory = await temporaryDirectory();
    await using manager = await openLedger(directory.path);
    await manager.apply(1);
    for (const from of [1, 2, 7]) {
      if (name === "close()" && from > 1) break;
      const changes = manager.changes({ from });
      if (from === 1) assertEquals((await changes.next()).value?.sequence, 1);
      const waiting = [changes.next(), changes.next()];
      await end(changes, manager);
      assertEquals(await Promise.all(waiting), [over, over]);
      assertEquals(await changes.next(), over);
      assertEquals(await changes.return(), over);
    }
  });
}

test("changes() ends at once, even in the middle of a read that the disk does not answer", async () => {
  await using directory = await temporaryDirectory();
  let answer = () => {};
  const answered = new Promise<void>((resolve) => answer = resolve);
  let isHeld = false;
  let asked = () => {};
  const isAsked = new Promise<void>((resolve) => asked = resolve);
  const base = countOpenFiles(
    await wrapFs(async ({ name }) => {
      if (!isHeld || name !== "read") return;
      asked();
      await answered;
    }),
  );
  const { fs } = base;
  await using manager = await openLedger(directory.path, { fs });
  await manager.apply(1);
  const open = base.open;
  isHeld = true;
  const changes = manager.changes({ from: 1 });
  const next = changes.next();
  await isAsked;
  assertEquals(await changes.return(), over);
  assertEquals(await next, over);
  answer();
  while (base.open > open) await new Promise((resolve) => setTimeout(resolve, 1));
});

test("changes() ends without an error when its signal is aborted, before, while it waits, or between", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.applyAll([1, 2]);
  const early = manager.changes({ from: 1, signal: AbortSignal.abort(new Error("planted")) });
  assertEquals(await early.next(), over);
  const waiting = new AbortController();
  const next = manager.changes({ signal: waiting.signal }).next();
  waiting.abort();
  assertEquals(await next, over);
  const between = new AbortController();
  const seen = [];
  for await (const { sequence } of manager.changes({ from: 1, signal: between.signal })) {
    seen.push(sequence);
    between.abort();
  }
  assertEquals(seen, [1]);
});

test("changes() listens to its signal only while a call waits", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: EventListener) => {
    listeners++;
    add(type, listener);
  };
  signal.removeEventListener = (type: string, listener: EventListener) => {
    listeners--;
    remove(type, listener);
  };
  const changes = manager.changes({ signal });
  const next = changes.next();
  assertEquals(listeners, 1);
  await manager.apply(1);
  assertEquals((await next).value?.sequence, 1);
  assertEquals(listeners, 0);
  const ended = changes.next();
  assertEquals(listeners, 1);
  await changes.return();
  assertEquals(await ended, over);
  // A turn of the loop: the wait has to end without a mutation that wakes it.
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(listeners, 0);
});

test("changes() that keeps up opens nothing and reads nothing", async () => {
  await using directory = await temporaryDirectory();
  const files = countOpenFiles(await detectFs());
  const options = { fs: files.fs, compaction: "manual" } as const;
  await using manager = await openLedger(directory.path, options);
  await manager.apply(1);
  const followers = numbers(1, 20).map((i) => manager.changes({ from: i % 3 + 1 }));
  await manager.applyAll(numbers(2, 10));
  const caughtUp = followers.map(async (changes) => {
    while ((await changes.next()).value?.sequence !== 11);
  });
  await manager.apply(11);
  await Promise.all(caughtUp);
  const reading = followers.map((changes) => follow(changes, 1000));
  assertEquals(files.open, 1);
  const before = { ...files };
  for (const n of numbers(12, 1000)) await manager.apply(n);
  for (const seen of await Promise.all(reading)) assertEquals(seen, numbers(12, 1000));
  assertEquals([files.opens, files.reads], [before.opens, before.reads]);
});

test("changes() of what is still to come reads nothing before that, though it comes before the first next()", async () => {
  const disk = new PowerCutDisk();
  const offsets: number[] = [];
  const fs = hooked(disk, ({ name, offset }) => {
    if (name === "read") offsets.push(offset!);
  });
  const manager = await StateManager.open("/state", journalName, ledger, { fs });
  for (let i = 0; i < 200; i++) await manager.apply("x".repeat(1000));
  const changes = manager.changes();
  await manager.apply("y");
  offsets.length = 0;
  assertEquals((await changes.next()).value?.sequence, 201);
  const [header, ...others] = offsets;
  assertEquals(header, 0);
  assert(others.every((offset) => offset > 200_000), `it read at ${others}`);
  await changes.return();
});

test("changes() of 1,500 followers never has more files open than a few, and no apply() is refused", async () => {
  await using directory = await temporaryDirectory();
  const files = countOpenFiles(await detectFs());
  const options = { fs: files.fs, segmentSizeMax: 65_536, compaction: "manual" } as const;
  await using manager = await openLedger(directory.path, options);
  await manager.applyAll(numbers(1, 20));
  files.openMax = 24;
  const followers = numbers(1, 1500).map((i) => follow(manager.changes({ from: i % 25 + 1 }), 60));
  // Those that are given up after one next() hold nothing either.
  for (let i = 0; i < 100; i++) await manager.changes({ from: 1 }).next();
  for (const n of numbers(21, 60)) await manager.apply({ n, filler: "x".repeat(5_000) });
  for (const [i, seen] of (await Promise.all(followers)).entries()) {
    assertEquals(seen, numbers((i + 1) % 25 + 1, 60));
  }
  assertEquals(files.open, 1, "the segment that is being written");
  await manager.close();
  assertEquals(files.open, 0);
});

test("changes() of 300 followers of a reader never has more files open than a few", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.applyAll(numbers(1, 3));
  const files = countOpenFiles(await detectFs());
  await using reader = await openLedger(directory.path, { readOnly: true, fs: files.fs });
  files.peak = 0;
  const changes = numbers(1, 300).map(() => reader.changes({ from: 1, follow: true }));
  for (const sequence of numbers(1, 4)) {
    const asked = changes.map((each) => each.next());
    // The last of them are waiting by now, or still read what is there.
    if (sequence === 4) await manager.apply(4);
    const seen = (await Promise.all(asked)).map(({ value }) => value?.sequence);
    assertEquals(new Set(seen), new Set([sequence]));
  }
  assert(files.peak <= READS_MAX, `${files.peak} files were open`);
});

test("changes() of a reader that ends while it waits for its turn reads nothing", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.apply(1);
  const files = countOpenFiles(await detectFs());
  await using reader = await openLedger(directory.path, { readOnly: true, fs: files.fs });
  const { opens } = files;
  const changes = numbers(0, READS_MAX).map(() => reader.changes({ from: 1, follow: true }));
  const asked = changes.map((each) => each.next());
  await changes[READS_MAX]!.return();
  const seen = (await Promise.all(asked)).map(({ value }) => value?.sequence);
  assertEquals(seen, [...Array.from({ length: READS_MAX }, () => 1), undefined]);
  assertEquals(files.opens, opens + READS_MAX);
});

test("changes() gives each follower its own copies of the mutations", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.apply({ list: [1] });
  const followers = [1, 1, 2, 2].map((from) => manager.changes({ from }));
  for (const changes of followers.slice(0, 2)) await changes.next();
  const mutation = { list: [2] };
  await manager.apply(mutation);
  const given = [];
  for (const changes of followers) {
    const { value } = await changes.next();
    const own = (value as Change<{ list: number[] }>).mutation;
    assertEquals(own, { list: [2] });
    own.list.push(3);
    given.push(own);
  }
  assertEquals(new Set(given).size, 4);
  assertEquals(manager.snapshot(), { entries: [{ list: [1] }, { list: [2] }] });
  assertEquals(mutation, { list: [2] });
});

test("changes() of a follower that falls behind continues from the disk, again and again", async () => {
  await using directory = await temporaryDirectory();
  const files = countOpenFiles(await detectFs());
  const options = { fs: files.fs, compaction: "manual" } as const;
  await using manager = await openLedger(directory.path, options);
  const filler = "x".repeat(150_000);
  const changes = manager.changes();
  const abandoned = manager.changes();
  const waiting = abandoned.next();
  const seen: number[] = [];
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 4; i++) {
      await manager.applyAll([1, 2, 3].map((n) => ({ n, filler })));
    }
    if (round === 1) await manager.createSnapshot();
    // Stops in the middle of a group.
    for (let i = 0; i < 11; i++) seen.push((await changes.next()).value!.sequence);
  }
  assertEquals(seen, numbers(1, 44));
  assertEquals((await waiting).value?.sequence, 1);
  seen.push(...await follow(changes, 48));
  assertEquals(seen, numbers(1, 48));
  assertEquals(files.open, 1);
});

test("changes() never reports a mutation before the state has it", async () => {
  for (let turns = 0; turns <= 40; turns++) {
    const fs = new PowerCutDisk(1);
    // Synchronous except once, so that a commit consists only of turns of one queue.
    await using manager = await openLedger("/state", { fs });
    await manager.apply(1);
    const early = manager.changes();
    const first = early.next();
    const applied = manager.apply(2);
    for (let turn = 0; turn < turns; turn++) await null;
    const late = manager.changes({ from: 2 });
    const check = ({ value }: IteratorResult<Change<unknown>, void>) =>
      assertEquals([value?.sequence, manager.sequence], [2, 2], `after ${turns} turns`);
    await Promise.all([first.then(check), late.next().then(check), applied]);
    await Promise.all([early.return(), late.return()]);
  }
});

test("changes() settles calls of next() in order", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.applyAll([1, 2]);
  const changes = manager.changes({ from: 1 });
  const asked = numbers(1, 6).map(() => changes.next());
  await manager.applyAll([3, 4]);
  await manager.apply(5);
  await manager.close();
  const given = (await Promise.all(asked)).map(({ value }) => value?.sequence ?? null);
  assertEquals(given, [1, 2, 3, 4, 5, null]);
});

test("changes() ends with the error when a mutation can't be carried over, and stays ended", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openLedger(directory.path, { compaction: "manual" });
    await manager.applyAll([1, 2]);
  }
  let fails = false;
  const second = {
    ...ledger,
    version: 2,
    migrate: {
      state: (state: Ledger) => state,
      mutation: (mutation: unknown) => {
        if (fails) throw new Error("planted");
        return mutation;
      },
    },
  };
  await using manager = await StateManager.open(directory.path, journalName, second as never);
  fails = true;
  const changes = manager.changes({ from: 1 });
  const asked = [changes.next(), changes.next()];
  const [first, rest] = await Promise.allSettled(asked);
  assertEquals(first!.status, "rejected");
  assertEquals(rest, { status: "fulfilled", value: over });
  assertEquals(await changes.next(), over);
});

test("changes() refuses options that are not valid", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  for (const options of [{ form: 1 }, { signal: {} }, { signal: null }, { follow: 1 }, null]) {
    await assertFails(() => manager.changes(options as never).next(), {
      error: options !== null && options.follow === 1 ? RangeError : TypeError,
      says: /option/,
    });
  }
});

test("changes() without follow ends with what is there", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.applyAll([1, 2, 3]);
  const changes = manager.changes({ from: 2, follow: false });
  await manager.apply(4);
  assertEquals(await follow(changes, 9), [2, 3]);
});

test("changes() of a read-only manager follows the writer in another process when asked to", async () => {
  await using directory = await temporaryDirectory();
  const options = { segmentSizeMax: 65_536, compaction: "manual" } as const;
  const files = countOpenFiles(await detectFs());
  let writer = await openLedger(directory.path, options);
  await writer.applyAll([1, 2]);
  await using reader = await openLedger(directory.path, { readOnly: true, fs: files.fs });
  const changes = reader.changes({ from: 2, follow: true });
  const reading = follow(changes, 30);
  const untilClosed = follow(reader.changes({ follow: true }), Infinity);
  for (const n of numbers(3, 15)) await writer.apply({ n, filler: "x".repeat(20_000) });
  await writer.close();
  writer = await openLedger(directory.path, options);
  for (const n of numbers(16, 30)) await writer.apply(n);
  assertEquals(await reading, numbers(2, 30));
  assertEquals(reader.sequence, 2, "the state of the reader is unchanged");
  await reader.close();
  assert((await untilClosed).every((sequence, i) => sequence === i + 3));
  while (files.open > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await writer.close();
});

test("changes() gives each mutation once when a follower catches up and falls behind again", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { compaction: "manual" });
  const filler = "x".repeat(400_000);
  const changes = manager.changes();
  const seen: number[] = [];
  const take = async () => seen.push((await changes.next()).value!.sequence);
  const first = changes.next();
  await manager.apply(0);
  assertEquals((await first).value?.sequence, 1);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 5; i++) await manager.apply(filler);
    for (let i = 0; i < 5; i++) await take();
    // It has caught up: what comes now is in memory.
    const waiting = take();
    await manager.apply(0);
    await waiting;
  }
  assertEquals(seen, numbers(2, 19));
  await changes.return();
});

test("changes() leaves nothing out when mutations come while it reads history", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { compaction: "manual" });
  const filler = "x".repeat(200_000);
  for (let i = 0; i < 6; i++) {
    await manager.apply(filler);
    await manager.createSnapshot();
  }
  const changes = manager.changes({ from: 1 });
  const seen: number[] = [];
  for (let i = 1; i <= 12; i++) {
    seen.push((await changes.next()).value!.sequence);
    if (i <= 6) await manager.apply(i);
  }
  assertEquals(seen, numbers(1, 12));
  await changes.return();
});

test("changes() that has ended ignores a read that fails later", async () => {
  await using directory = await temporaryDirectory();
  let fail: (() => void) | null = null;
  let isHeld = false;
  const held = Promise.withResolvers<void>();
  const fs = await wrapFs(({ name }) => {
    if (name !== "read" || !isHeld) return;
    held.resolve();
    return new Promise<void>((_, reject) => fail = () => reject(systemError("EACCES")));
  });
  const manager = await openLedger(directory.path, { fs, compaction: "manual" });
  await manager.apply(1);
  const changes = manager.changes({ from: 1 });
  const escaped: unknown[] = [];
  const note = (reason: unknown) => escaped.push(reason);
  process.on("unhandledRejection", note);
  try {
    isHeld = true;
    const waiting = changes.next();
    await held.promise;
    isHeld = false;
    await changes.return();
    assertEquals(await waiting, over);
    fail!();
    await manager.close();
    // A turn of the loop, in which the runtime would report an uncaught error.
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals(escaped, []);
  } finally {
    process.off("unhandledRejection", note);
  }
});

test("changes() of a read-only manager leaves no file open once it is ended", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { compaction: "manual" });
  await manager.apply(1);
  const files = countOpenFiles(await detectFs());
  await using reader = await openLedger(directory.path, { readOnly: true, fs: files.fs });
  const before = files.open;
  const changes = reader.changes({ from: 1, follow: true });
  assertEquals((await changes.next()).value?.sequence, 1);
  const waiting = changes.next();
  await changes.return();
  assertEquals(await waiting, over);
  // Not immediately: a read may be under way.
  await until(() => files.open <= before);
});

test("changes() reads nothing from the disk that is not acknowledged yet", async () => {
  await using directory = await temporaryDirectory();
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let isHeld = false;
  const fs = await wrapFs(async ({ name }) => {
    if (!isHeld || name !== "syncData" && name !== "syncAll") return;
    reached.resolve();
    await released.promise;
  });
  await using manager = await openLedger(directory.path, { fs, compaction: "manual" });
  await manager.apply(1);
  isHeld = true;
  const applied = manager.apply(2);
  await reached.promise;
  const changes = manager.changes({ from: 1 });
  assertEquals((await changes.next()).value?.sequence, 1);
  let isShown = false;
  const second = changes.next().then(({ value }) => {
    isShown = true;
    return value?.sequence;
  });
  // A turn of the loop: what was read with the first would be given by then.
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(isShown, false);
  isHeld = false;
  released.resolve();
  await applied;
  assertEquals(await second, 2);
  await changes.return();
});
