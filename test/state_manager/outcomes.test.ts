// Tests that accepted and refused never change, whatever the program becomes.

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "node:test";
import {
  DROP,
  MutationRejectedError,
  MutatorChangedError,
  StateManager,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { RECORD_SIZE_MAX } from "../../src/format/format.ts";
import { PowerCutDisk } from "@ministate/ministate/testing";
import { cutEverywhere } from "../support/every_cut.ts";
import { failureOf } from "../support/errors.ts";

interface Counter {
  n: number;
}

interface By {
  by: number;
}

/** Counts, and refuses steps of more than `limit`. */
const upTo = (limit: number, more: object = {}) => ({
  initial: (): Counter => ({ n: 0 }),
  apply(state: Counter, { by }: By) {
    state.n += by;
    if (by > limit) throw new RangeError(`more than ${limit}`);
    return state.n;
  },
  ...more,
});

const open = (fs: PowerCutDisk, mutator: ReturnType<typeof upTo>) =>
  StateManager.open<Counter, By>("/state", "c.wal.jsonl", mutator, { fs, compaction: "manual" });

/** The ways in which a run can end, and what replay then begins with. */
const endings = {
  "a clean close": async (manager: Awaited<ReturnType<typeof open>>) => await manager.close(),
  "a snapshot and a clean close": async (manager: Awaited<ReturnType<typeof open>>) => {
    await manager.createSnapshot();
    await manager.close();
  },
  "no close": () => {},
};

for (const [name, end] of Object.entries(endings)) {
  test(`what was refused stays refused after ${name}, for a program that would accept it`, async () => {
    const disk = new PowerCutDisk();
    const manager = await open(disk, upTo(5));
    for (let round = 0; round < 10; round++) {
      const calls = Array.from({ length: 100 }, () => failureOf(() => manager.apply({ by: 9 })));
      for (const error of await Promise.all(calls)) assertInstanceOf(error, MutationRejectedError);
    }
    assertEquals(manager.snapshot(), { n: 0 });
    // The next write says what became of them.
    await manager.apply({ by: 1 });
    await end(manager);
    const updated = await open(disk.image(), upTo(10));
    assertEquals(updated.snapshot(), { n: 1 });
    assertEquals(updated.sequence, 1001);
    if (!name.includes("snapshot")) assertEquals(await updated.stateAt(500), { n: 0 });
  });

  test(`what was accepted is never dropped after ${name}, by a program that would refuse it`, async () => {
    const disk = new PowerCutDisk();
    const manager = await open(disk, upTo(100));
    for (const by of [95, 99, 100, 10]) await manager.apply({ by });
    await end(manager);
    const stricter = disk.image();
    if (name.includes("snapshot")) {
      assertEquals((await open(stricter, upTo(90))).snapshot(), { n: 304 });
      return;
    }
    const before = stricter.image();
    const error = await failureOf(() => open(stricter, upTo(90)));
    assertInstanceOf(error, MutatorChangedError);
    assertEquals([error.code, error.sequence, error.undecided], ["MUTATOR_CHANGED", 1, false]);
    assertEquals(await contents(stricter), await contents(before));
    const quarantining = await failureOf(() =>
      StateManager.open("/state", "c.wal.jsonl", upTo(90), {
        fs: stricter,
        onCorruption: "quarantine",
      })
    );
    assertInstanceOf(quarantining, MutatorChangedError);
    // Another version can carry it over, or leave it out.
    const carry = { mutation: ({ by }: By) => ({ by: Math.min(by, 90) }) };
    const carried = await open(stricter.image(), upTo(90, { version: 2, migrate: carry }));
    assertEquals(carried.snapshot(), { n: 280 });
    const drop = { mutation: (old: By) => old.by > 90 ? DROP : old };
    const dropped = await open(stricter.image(), upTo(90, { version: 2, migrate: drop }));
    assertEquals([dropped.snapshot(), dropped.sequence], [{ n: 10 }, 4]);
    const seen: (boolean | null)[] = [];
    for await (const { refused } of dropped.changes({ from: 1, follow: false })) seen.push(refused);
    assertEquals(seen, [true, true, true, false]);
  });
}

async function contents(disk: PowerCutDisk): Promise<Record<string, string>> {
  const names = (await disk.list("/state")).map(({ name }) => name);
  return Object.fromEntries(
    names.map((name) => [name, new TextDecoder().decode(disk.peek(`/state/${name}`)!)]),
  );
}

test("after a power cut at any call, no program accepts what was refused or refuses what was accepted", async () => {
  interface Run {
    acknowledged: number;
    refused: number;
  }
  const run = async (disk: PowerCutDisk, progress: Run) => {
    const manager = await open(disk, upTo(5));
    for (const by of [1, 9, 2, 8, 7, 3]) {
      const error = await manager.apply({ by }).then(() => null, (error) => error);
      if (error === null) progress.acknowledged += by;
      else if (error instanceof MutationRejectedError) progress.refused++;
      else throw error;
      if (by === 8) await manager.createSnapshot();
    }
    await manager.close();
  };
  const none = () => ({ acknowledged: 0, refused: 0 });
  let undecided = 0;
  await cutEverywhere(none, run, async (disk, { acknowledged }, at) => {
    const same = await open(disk.image(), upTo(5));
    const { n } = same.snapshot();
    assert(n === acknowledged || [1, 3, 6].includes(n), `cut at ${at}: ${n} of ${acknowledged}`);
    // The last batch has no outcome yet: under the same version, it is what the program says. All before it are decided.
    const updated = await open(disk.image(), upTo(10));
    const last = updated.sequence;
    const value = updated.snapshot().n;
    if (value !== n) {
      undecided++;
      assertEquals([value - n, last], [{ 2: 9, 4: 8, 5: 7 }[last]!, last], `cut at ${at}`);
    }
    if (last > 0) assertEquals(await updated.stateAt(last - 1), await same.stateAt(last - 1));
    const version2 = upTo(10, { version: 2, migrate: {} });
    assert((await open(disk.image(), version2)).snapshot().n === value, `cut at ${at}`);
  });
  assert(undecided > 0, "no cut left a last batch without an outcome");
});

test("a last batch without an outcome that another version refuses ends the open", async () => {
  const disk = new PowerCutDisk();
  const manager = await open(disk, upTo(100));
  await manager.apply({ by: 1 });
  await manager.apply({ by: 95 });
  const next = upTo(90, { version: 2, migrate: {} });
  const error = await failureOf(() => open(disk.image(), next));
  assertInstanceOf(error, MutatorChangedError);
  assertEquals([error.sequence, error.undecided], [2, true]);
  // Under the same version it runs as it would have run before the crash.
  const same = await open(disk.image(), upTo(90));
  assertEquals([same.snapshot(), same.sequence], [{ n: 1 }, 2]);
});

test("the outcome of a crash's last batch is recorded with the next write, with a seal, and in a backup", async () => {
  const disk = new PowerCutDisk();
  const crashed = await open(disk, upTo(5));
  await failureOf(() => crashed.apply({ by: 9 }));
  for (const record of ["write", "seal", "backup", "rotation"]) {
    const image = disk.image();
    const manager = await open(image, upTo(5));
    assertEquals(manager.snapshot(), { n: 0 });
    let directory = "/state";
    if (record === "write") await manager.apply({ by: 1 });
    if (record === "seal") await manager.close();
    if (record === "backup") await manager.backup(directory = "/backup");
    if (record === "rotation") await manager.createSnapshot();
    const names = (await image.list(directory)).map(({ name }) => name).filter((name) =>
      name.endsWith(".wal.jsonl")
    );
    const lines = names.map((name) =>
      new TextDecoder().decode(image.peek(`${directory}/${name}`)!)
    );
    assert(lines.join("").includes('"refused":[[1,1]]'), `${record}: ${lines}`);
    const updated = await StateManager.open<Counter, By>(directory, "c.wal.jsonl", upTo(10), {
      fs: image.image(),
    });
    assertEquals(updated.snapshot(), { n: record === "write" ? 1 : 0 }, record);
  }
});

test("a group is all or nothing in memory, and on a replay, with a power cut at any call", async () => {
  const purse = {
    initial: () => ({ coins: 10, log: [] as string[] }),
    apply(state: { coins: number; log: string[] }, { take }: { take: number }) {
      state.log.push(`take ${take}`);
      state.coins -= take;
      if (state.coins < 0) throw new RangeError("not so many");
    },
  };
  const openPurse = (fs: PowerCutDisk) => StateManager.open("/state", "p.wal.jsonl", purse, { fs });
  const run = async (disk: PowerCutDisk) => {
    const manager = await openPurse(disk);
    const one = manager.apply({ take: 1 });
    // Refused, with a member that was accepted before; the members would have given and taken.
    const group = failureOf(() => manager.applyAll([{ take: 2 }, { take: 50 }, { take: -50 }]));
    const two = manager.apply({ take: 3 });
    await Promise.all([one, two]);
    const error = await group;
    if (disk.dead) throw error;
    assertInstanceOf(error, MutationRejectedError);
    assertEquals(error.sequence, 3);
    assertEquals(manager.snapshot(), { coins: 6, log: ["take 1", "take 3"] });
    await manager.applyAll([{ take: 50 }, { take: -50 }]).catch(() => {});
    assertEquals(manager.snapshot(), { coins: 6, log: ["take 1", "take 3"] });
  };
  const states = ["10", "6 take 1 take 3"];
  await cutEverywhere(() => null, run, async (disk, _progress, at) => {
    const manager = await openPurse(disk);
    const { coins, log } = manager.snapshot();
    assert(states.includes([coins, ...log].join(" ")), `cut at ${at}: ${coins} ${log}`);
  });
});

/** Refuses before anything is written. */
const checked = {
  initial: (): Counter => ({ n: 0 }),
  check(state: Readonly<Counter>, { by }: Readonly<By>) {
    if (state.n + by < 0) throw new RangeError("below zero");
  },
  apply: (state: Counter, { by }: By) => state.n += by,
};

const reducer = {
  initial: (): Counter => ({ n: 0 }),
  reduce(state: Counter, { by }: By): Counter {
    if (state.n + by < 0) throw new RangeError("below zero");
    return { n: state.n + by };
  },
};

for (
  const [name, mutator] of Object.entries({ "a mutator's check": checked, "a reducer": reducer })
) {
  test(`what ${name} refuses with nothing under way costs no write and no sequence`, async () => {
    const disk = new PowerCutDisk();
    const manager = await StateManager.open<Counter, By>("/state", "c.wal.jsonl", mutator, {
      fs: disk,
    });
    await manager.apply({ by: 1 });
    const { calls } = disk;
    const error = await failureOf(() => manager.apply({ by: -2 }));
    assertInstanceOf(error, MutationRejectedError);
    assertEquals([error.sequence, disk.calls], [null, calls]);
    const group = await failureOf(() => manager.applyAll([{ by: 5 }, { by: -7 }]));
    assertInstanceOf(group, MutationRejectedError);
    assertEquals([group.sequence, disk.calls, manager.snapshot()], [null, calls, { n: 1 }]);
    assertEquals((await manager.apply({ by: 1 })).sequence, 2);
  });

  test(`with ${name}, calls are judged in their order, on what those before them leave`, async () => {
    const disk = new PowerCutDisk();
    const manager = await StateManager.open<Counter, By>("/state", "c.wal.jsonl", mutator, {
      fs: disk,
    });
    const outcomes = await Promise.allSettled(
      [-1, 2, -2, -1, 5].map((by) => manager.apply({ by })),
    );
    assertEquals(outcomes.map(({ status }) => status === "fulfilled"), [
      false,
      true,
      true,
      false,
      true,
    ]);
    assertEquals(manager.snapshot(), { n: 5 });
    await manager.close();
    const again = await StateManager.open<Counter, By>("/state", "c.wal.jsonl", mutator, {
      fs: disk,
    });
    assertEquals([again.snapshot(), again.sequence], [{ n: 5 }, name === "a reducer" ? 3 : 4]);
    const refused: (boolean | null)[] = [];
    for await (const change of again.changes({ from: 1, follow: false })) {
      refused.push(change.refused);
    }
    assertEquals(
      refused,
      name === "a reducer" ? [false, false, false] : [false, false, true, false],
    );
  });
}

test("a call that was refused before its batch was written fails like the batch when that can't be written", async () => {
  const disk = new PowerCutDisk();
  const manager = await StateManager.open<Counter, By>("/state", "c.wal.jsonl", reducer, {
    fs: disk,
  });
  disk.spaceLeft = 0;
  const outcomes = await Promise.allSettled([1, -5].map((by) => manager.apply({ by })));
  const codes = outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason.code);
  // It was judged on a state that never came to be.
  assertEquals(codes, ["DISK_FULL", "DISK_FULL"]);
  assertEquals(manager.snapshot(), { n: 0 });
});

test("a reducer that changes the state it receives is refused, and nothing of it is visible", async () => {
  const disk = new PowerCutDisk();
  const impure = {
    initial: () => ({ n: 0, list: [] as number[] }),
    reduce(state: { n: number; list: number[] }, { by }: By) {
      if (by > 1) state.list.push(by);
      else state.n += by;
      return state;
    },
  };
  const manager = await StateManager.open("/state", "c.wal.jsonl", impure, { fs: disk });
  for (const by of [1, 2]) {
    const error = await failureOf(() => manager.apply({ by }));
    assertInstanceOf(error, MutationRejectedError);
    assertInstanceOf(error.cause, TypeError);
  }
  assertEquals([manager.snapshot(), manager.sequence], [{ n: 0, list: [] }, 0]);
});

test("a throw after check agreed leaves exactly the state that a replay gives", async () => {
  const disk = new PowerCutDisk();
  const careless = {
    ...checked,
    apply(state: Counter, { by }: By) {
      state.n += by;
      if (by === 3) throw new Error("too late");
    },
  };
  const openCareless = (fs: PowerCutDisk) =>
    StateManager.open<Counter, By>("/state", "c.wal.jsonl", careless, { fs });
  const manager = await openCareless(disk);
  for (const by of [1, 3, 2]) await manager.apply({ by }).catch(() => {});
  assertEquals([manager.snapshot(), manager.sequence], [{ n: 3 }, 3]);
  assertEquals((await openCareless(disk.image())).snapshot(), { n: 3 });
});

test("more refusals than a header holds are recorded in a seal after it", async () => {
  const disk = new PowerCutDisk();
  const manager = await open(disk, upTo(5));
  const calls = Array.from({ length: 1000 }, (_, i) => manager.apply({ by: i % 2 === 0 ? 1 : 9 }));
  await Promise.allSettled(calls);
  await manager.createSnapshot();
  const [, seal] = new TextDecoder().decode(disk.peek(manager.journalPath)!).split("\n");
  assert(seal!.startsWith('{"seal":1000,"refused":[[2,2],[4,4],'));
  const refused: number[] = [];
  const reader = await open(disk.image(), upTo(10));
  for await (const change of reader.changes({ from: 1, follow: false })) {
    if (change.refused) refused.push(change.sequence);
  }
  assertEquals(refused, Array.from({ length: 500 }, (_, i) => 2 * i + 2));
  assertEquals(await reader.stateAt(999), { n: 500 });
});

test("a program that doesn't know the mutator decides nothing", async () => {
  const disk = new PowerCutDisk();
  const crashed = await open(disk, upTo(5));
  await crashed.apply({ by: 1 });
  await failureOf(() => crashed.apply({ by: 9 }));
  const image = disk.image();
  await (await Journal.open("/state", "c.wal.jsonl", { fs: image })).close();
  const manager = await open(image, upTo(5));
  assertEquals([manager.snapshot(), manager.recovery.sealed], [{ n: 1 }, true]);
  await manager.close();
  assertEquals((await open(image, upTo(10))).snapshot(), { n: 1 });
});

test("an outcome whose record is set aside as damaged is recorded again, before anything else", async () => {
  for (const count of [1, 500]) {
    const disk = new PowerCutDisk();
    const manager = await open(disk, upTo(5));
    const calls = Array.from(
      { length: 2 * count },
      (_, i) => manager.apply({ by: i % 2 === 0 ? 1 : 9 }),
    );
    await Promise.allSettled(calls);
    await manager.apply({ by: 2 });
    await manager.close();
    const path = "/state/c-0000000000000001.wal.jsonl";
    const text = new TextDecoder("latin1").decode(disk.peek(path)!);
    disk.flipBit(path, text.lastIndexOf('"by":2') + 1, 0);
    const aside = { fs: disk, onCorruption: "quarantine" } as const;
    const first = await StateManager.open<Counter, By>("/state", "c.wal.jsonl", upTo(5), aside);
    assertEquals([first.snapshot(), first.sequence], [{ n: count }, 2 * count]);
    // It crashes before it writes anything more.
    const again = await open(disk.image(), upTo(5));
    assertEquals(again.snapshot(), { n: count });
    await again.close();
  }
});

test("a long list of refusals and a record of the largest size fit in one line", async () => {
  const disk = new PowerCutDisk();
  const large = { recordSizeMax: RECORD_SIZE_MAX, segmentSizeMax: 64 * 1024 * 1024 };
  const picky = {
    initial: () => ({ size: 0 }),
    apply(state: { size: number }, text: string) {
      if (text === "no") throw new RangeError("no");
      state.size += text.length;
    },
  };
  const manager = await StateManager.open("/state", "t.wal.jsonl", picky, { fs: disk, ...large });
  // As many as share one batch.
  const texts = Array.from({ length: 12_000 }, (_, i) => i % 2 === 0 ? "a" : "no");
  await Promise.allSettled(texts.map((text) => manager.apply(text)));
  await manager.apply("x".repeat(RECORD_SIZE_MAX - 200));
  const path = "/state/t-0000000000000001.wal.jsonl";
  const line = new TextDecoder().decode(disk.peek(path)!).trimEnd().split("\n").at(-1)!;
  const [, , horizon, , { refused }] = JSON.parse(line);
  assertEquals(horizon, texts.length);
  assertEquals(refused.at(-1), [texts.length, texts.length]);
  const again = await StateManager.open("/state", "t.wal.jsonl", picky, {
    fs: disk.image(),
    ...large,
  });
  assertEquals(again.state.size, texts.length / 2 + RECORD_SIZE_MAX - 200);
});

/** Leaves line feeds where a line begins with `start`, as a card may that loses a block. */
function loseLine(disk: PowerCutDisk, path: string, start: string): void {
  const bytes = disk.peek(path)!;
  const text = new TextDecoder("latin1").decode(bytes);
  const from = text.indexOf(start);
  assert(from > 0, `no line begins with ${start}`);
  disk.plant(path, bytes.fill(0x0a, from, text.indexOf("\n", from)));
}

test("what was refused stays refused when the seal that said so first is lost", async () => {
  for (const count of [2, 1000]) {
    const disk = new PowerCutDisk();
    const manager = await open(disk, upTo(5));
    const steps = Array.from({ length: count }, (_, i) => i % 2 === 0 ? 1 : 9);
    await Promise.allSettled(steps.map((by) => manager.apply({ by })));
    await manager.close();
    const continued = await open(disk, upTo(5));
    await continued.apply({ by: 1 });
    const image = disk.crash();
    loseLine(image, continued.journalPath, '{"seal":');
    const updated = await open(image, upTo(10));
    assertEquals(updated.snapshot(), { n: count / 2 + 1 });
  }
});

test("check() that changes the state is refused, alone and in a batch, and nothing of it stays", async () => {
  const disk = new PowerCutDisk();
  const meddling = {
    initial: () => ({ n: 0 }),
    check(state: { readonly n: number }, { by }: Readonly<By>) {
      if (by > 1) (state as { n: number }).n = by;
    },
    apply: (state: { n: number }, { by }: By) => state.n += by,
  };
  const manager = await StateManager.open("/state", "c.wal.jsonl", meddling, { fs: disk });
  const outcomes = await Promise.allSettled([2, 1, 3].map((by) => manager.apply({ by })));
  assertEquals(outcomes.map(({ status }) => status), ["rejected", "fulfilled", "rejected"]);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") {
      assert(/check\(\) changed the state/.test(outcome.reason.message));
    }
  }
  assertEquals(manager.snapshot(), { n: 1 });
});
