// Tests how waiting mutations are put into batches, and what starts compactions, without a disk.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { DiskFullError } from "../../src/errors.ts";
import { BATCH_SIZE_MAX } from "../../src/format/format.ts";
import { GroupCommit } from "../../src/journal/group_commit.ts";
import type { JournalWriter } from "../../src/journal/journal_writer.ts";
import { AutomaticCompaction } from "../../src/state/automatic_compaction.ts";
import type { Compaction } from "../../src/state/compaction.ts";

/** How large the waiting mutations of one batch may be together. */
const TARGET = BATCH_SIZE_MAX / 16;

const ANY = { calls: Infinity, bytes: Infinity };

/** The batches that calls of these sizes become when they are made together. */
async function batchesOf(sizes: number[]): Promise<number[]> {
  const counts: number[] = [];
  let sequence = 0;
  const queue = new GroupCommit({
    begin: () => ({ sequenceFirst: sequence + 1, timestamp: 0 }),
    commit({ texts }) {
      counts.push(texts.length);
      sequence += texts.length;
      return Promise.resolve();
    },
    settled: () => {},
    failed: () => {},
  }, ANY);
  const got = await Promise.all(
    sizes.map((size, i) => queue.submit({ texts: [`${i}`], settle: (first) => first }, size)),
  );
  assertEquals(got, sizes.map((_, i) => i + 1));
  return counts;
}

const rows: { name: string; sizes: number[]; batches: number[] }[] = [
  { name: "are small", sizes: [1, 1, 1, 1], batches: [4] },
  { name: "fill a batch to the byte", sizes: [TARGET / 2, TARGET / 2, 1], batches: [2, 1] },
  { name: "are one byte too large together", sizes: [TARGET / 2, TARGET / 2 + 1], batches: [1, 1] },
  { name: "add up to several batches", sizes: Array(7).fill(TARGET * 0.4), batches: [2, 2, 2, 1] },
  { name: "are larger than that each", sizes: [2 * TARGET, 2 * TARGET, 1], batches: [1, 1, 1] },
];

for (const { name, sizes, batches } of rows) {
  test(`submit() makes batches of a bounded size, in call order, when calls ${name}`, async () => {
    assertEquals(await batchesOf(sizes), batches);
  });
}

test("next() runs a task before the calls that wait, and wakes a queue that pauses", async () => {
  const done: string[] = [];
  let resume: (() => void) | null = () => {};
  const sizes: number[] = [];
  const queue = new GroupCommit({
    begin: () => ({ sequenceFirst: 1, timestamp: 0 }),
    commit: ({ texts }) => void done.push(`batch of ${texts.length}`),
    settled: () => {},
    failed: () => {},
  }, ANY);
  queue.pauseFor((sizeNext) => {
    if (resume === null) return null;
    sizes.push(sizeNext());
    return new Promise<void>((resolve) => resume = resolve);
  });
  const call = { texts: ["1"], settle: () => {} };
  const calls = Promise.all([queue.submit(call, 10), queue.submit(call, 20)]);
  const last = queue.exclusive(() => Promise.resolve(done.push("last")));
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([done, sizes], [[], [30]]);
  await queue.next(() => Promise.resolve(done.push("next")));
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([done, sizes], [["next"], [30, 30]]);
  const end = resume;
  resume = null;
  end();
  await Promise.all([calls, last]);
  assertEquals(done, ["next", "batch of 2", "last"]);
  const failure = new Error("planted");
  const fails = queue.next(() => {
    throw failure;
  });
  assertEquals(await fails.catch((error) => error), failure);
});

test("a commit that completes synchronously settles its calls like any other, and so does one that throws", async () => {
  const failure = new Error("no more");
  const ends: unknown[] = [];
  let sequence = 0;
  const queue = new GroupCommit({
    begin: () => ({ sequenceFirst: sequence + 1, timestamp: 0 }),
    commit({ texts }) {
      if (texts.includes("bad")) throw failure;
      sequence += texts.length;
    },
    settled: () => ends.push(null),
    failed: (error) => ends.push(error),
  }, ANY);
  const submit = (text: string) =>
    queue.submit({ texts: [text], settle: (first) => first }, 1).catch((error) => error);
  assertEquals(await Promise.all([submit("a"), submit("b")]), [1, 2]);
  assertEquals(await submit("bad"), failure);
  assertEquals(await submit("c"), 3);
  assertEquals(ends, [null, failure, null]);
});

/** An automatic compaction, and what it asked for. */
function automatic(outcome: () => Promise<unknown>) {
  const errors: unknown[] = [];
  const asked = { count: 0 };
  let endBatch = (_error: unknown) => {};
  const writer = {
    sequence: 1,
    poison: null as unknown,
    onBatchEnd: (listener: typeof endBatch) => void (endBatch = listener),
  };
  const growth = { size: 101, restart: () => void (growth.size = 0) };
  const compaction = {
    snapshotSize: 0,
    growth,
    compact() {
      asked.count++;
      return outcome();
    },
  };
  const it = new AutomaticCompaction(
    compaction as unknown as Compaction,
    writer as unknown as JournalWriter,
    () => Math.max(100, compaction.snapshotSize),
    { onCompactionError: (error) => errors.push(error) },
    "state",
  );
  return { it, writer, growth, compaction, asked, errors, endBatch };
}

test("the end of a batch starts one compaction at a time, and the next once it is done", async () => {
  let finish = () => {};
  const { endBatch, asked } = automatic(() => new Promise<void>((resolve) => finish = resolve));
  endBatch(null);
  endBatch(null);
  assertEquals(asked.count, 1);
  finish();
  await new Promise((resolve) => setTimeout(resolve, 0));
  endBatch(null);
  assertEquals(asked.count, 2);
});

test("the end of a batch starts no compaction when the journal is short, empty, poisoned or closing", () => {
  const cases: ((of: ReturnType<typeof automatic>) => void)[] = [
    ({ growth }) => growth.size = 100,
    ({ compaction }) => compaction.snapshotSize = 101,
    ({ writer }) => writer.sequence = 0,
    ({ writer }) => writer.poison = new Error("poisoned"),
    ({ it }) => it.stop(),
  ];
  for (const change of cases) {
    const parts = automatic(() => Promise.resolve());
    change(parts);
    parts.endBatch(null);
    assertEquals(parts.asked.count, 0, `${change}`);
  }
});

test("the next compaction waits for a sixteenth of the usual journal when one failed", async () => {
  const failure = new Error("no room");
  let fails = true;
  const { it, growth, endBatch, asked, errors } = automatic(() =>
    fails ? Promise.reject(failure) : Promise.resolve()
  );
  endBatch(null);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([it.failure, errors, growth.size], [failure, [failure], 0]);
  growth.size = 6;
  endBatch(null);
  assertEquals(asked.count, 1);
  growth.size = 7;
  fails = false;
  endBatch(null);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([it.failure, asked.count, errors.length], [null, 2, 1]);
});

test("a full disk starts a compaction, however short the journal is", () => {
  const { growth, endBatch, asked } = automatic(() => Promise.resolve());
  growth.size = 1;
  endBatch(null);
  assertEquals(asked.count, 0);
  endBatch(new DiskFullError("no space left", {}));
  assertEquals(asked.count, 1);
});
