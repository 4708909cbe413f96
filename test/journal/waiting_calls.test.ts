// Tests that the calls that wait for the disk are bounded, and that a batch that takes long is reported.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { test } from "node:test";
import { BusyError, StateManager, type StateManagerOptions } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { PowerCutDisk } from "@ministate/ministate/testing";
import { StallWatch } from "../../src/journal/stall_watch.ts";
import { failureOf } from "../support/errors.ts";
import { hooked, systemError } from "../support/wrapped_fs.ts";

const list = {
  initial: () => [] as string[],
  check(_lines: readonly string[], line: string) {
    if (line === "refused") throw new RangeError("refused");
  },
  apply: (lines: string[], line: string) => lines.push(line),
};

const open = (options: StateManagerOptions = {}) =>
  StateManager.open("/state", "l.wal.jsonl", list, { fs: new PowerCutDisk(), ...options });

/** A disk whose syncs wait until they are let through. */
function slowDisk() {
  const disk = { isSlow: false, syncing: () => {}, letThrough: () => {} };
  const fs = hooked(new PowerCutDisk(), async ({ name }) => {
    if (!disk.isSlow || !name.startsWith("sync")) return;
    await new Promise<void>((resolve) => {
      disk.letThrough = resolve;
      disk.syncing();
    });
  });
  const begun = () => new Promise<void>((resolve) => disk.syncing = resolve);
  return { disk, fs, begun };
}

test("a call beyond waitingMax is refused, and can be tried again once others were answered", async () => {
  const manager = await open({ waitingMax: { calls: 3 } });
  const calls = ["a", "b", "c", "d"].map((line) => manager.apply(line));
  assertEquals(manager.stats().waiting.calls, 3);
  const error = await failureOf(() => calls[3]);
  assert(error instanceof BusyError);
  assertEquals(error.code, "BUSY");
  assertStringIncludes(error.message, "3 calls with ");
  await Promise.all(calls.slice(0, 3));
  assertEquals(manager.stats().waiting, { calls: 0, bytes: 0 });
  await manager.apply("d");
  assertEquals(manager.snapshot(), ["a", "b", "c", "d"]);
  assertEquals(manager.sequence, 4);
});

test("a group beyond waitingMax is refused as a whole, for its bytes", async () => {
  const manager = await open({ waitingMax: { bytes: 10_000 } });
  const first = manager.apply("x".repeat(5000));
  const group = manager.applyAll(["a", "y".repeat(5000)]);
  const last = manager.apply("z");
  assert(await failureOf(() => group) instanceof BusyError);
  await Promise.all([first, last]);
  assertEquals(manager.snapshot().map((line) => line[0]), ["x", "z"]);
});

test("a call larger than waitingMax is taken when nothing waits", async () => {
  const manager = await open({ waitingMax: { calls: 1, bytes: 1 } });
  await manager.applyAll(["a", "b"]);
  await manager.apply("c");
  assertEquals(manager.snapshot(), ["a", "b", "c"]);
});

test("a journal has the same bounds, also while its disk is slow", async () => {
  const { disk, fs, begun } = slowDisk();
  const journal = await Journal.open("/state", "l.wal.jsonl", { fs, waitingMax: { calls: 2 } });
  disk.isSlow = true;
  const syncing = begun();
  const written = journal.append("a");
  await syncing;
  const queued = journal.append("b");
  assert(await failureOf(() => journal.append("c")) instanceof BusyError);
  disk.isSlow = false;
  disk.letThrough();
  await Promise.all([written, queued]);
  await journal.append("d");
  assertEquals(journal.sequence, 3);
});

test("nothing waits after calls were refused or failed", async () => {
  let isFailing = false;
  const fs = hooked(new PowerCutDisk(), ({ name }) => {
    if (isFailing && name.startsWith("sync")) throw systemError("EIO");
  });
  const manager = await open({ fs });
  await Promise.allSettled(["a", "refused", "b"].map((line) => manager.apply(line)));
  await failureOf(() => manager.apply("refused"));
  assertEquals(manager.stats().waiting, { calls: 0, bytes: 0 });
  isFailing = true;
  await Promise.allSettled(["c", "d"].map((line) => manager.apply(line)));
  assertEquals(manager.stats().waiting, { calls: 0, bytes: 0 });
  isFailing = false;
  const reader = await open({ fs, readOnly: true });
  assertEquals(reader.stats().waiting, { calls: 0, bytes: 0 });
});

test("a slow batch is reported once, while it is still being written", async () => {
  const { disk, fs } = slowDisk();
  const paths: string[] = [];
  let reported = () => {};
  const report = new Promise<void>((resolve) => reported = resolve);
  const onStall = ({ path, ms }: { path: string; ms: number }) => {
    assert(ms >= 1, `it took ${ms} ms`);
    paths.push(path);
    reported();
    throw new Error("what a listener throws is ignored");
  };
  const manager = await open({ fs, onStall, stallAfterMs: 2 });
  disk.isSlow = true;
  const applying = manager.apply("a");
  await report;
  disk.isSlow = false;
  disk.letThrough();
  await applying;
  assertEquals(paths, [manager.journalPath]);
});

test("a batch during which the disk blocks the program is reported afterwards", async () => {
  let isBlocking = false;
  const disk = new PowerCutDisk();
  const fs = hooked(disk, ({ name }) => {
    const end = performance.now() + 3;
    while (isBlocking && name.startsWith("sync") && performance.now() < end);
  });
  let count = 0;
  const manager = await open({ fs, onStall: () => count++, stallAfterMs: 2 });
  isBlocking = true;
  await manager.apply("a");
  assertEquals(count, 1);
});

test("a commit that is over at once is reported afterwards when it blocked the program", () => {
  let count = 0;
  const watch = new StallWatch(() => count++, 2);
  const block = (ms: number) => () => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  };
  watch.watch("/w", block(3));
  assertEquals(count, 1);
});

test("a batch that doesn't take long is not reported", async () => {
  const manager = await open({ onStall: () => assert(false, "reported") });
  await manager.apply("a");
  await manager.close();
});
