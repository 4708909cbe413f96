// Tests that close() ends all readers at once, and that nothing is done by name after it has resolved.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { ClosedError, type DurableFs, type StateManager } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { detectFs } from "../../runtime/detect.ts";
import { assertFails } from "../support/errors.ts";
import { countOpenFiles } from "../support/open_files.ts";
import { journalName, type Ledger, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { until } from "../support/until.ts";
import { wrapFs } from "../support/wrapped_fs.ts";

type Manager = StateManager<Ledger, unknown, number>;

const over: IteratorReturnResult<void> = { done: true, value: undefined };
const closed = { error: ClosedError, code: "CLOSED", says: /closed: open it again/ };

/** A file system that counts what is done by name; `hold` keeps its reads back until `letGo` is called. */
async function named() {
  const held = { isOn: false, asked: 0, letGo: () => {} };
  let answered = Promise.resolve();
  const files = countOpenFiles(
    await wrapFs(async ({ name }) => {
      if (!held.isOn || name !== "read") return;
      held.asked++;
      await answered;
    }),
  );
  const counts = { calls: 0 };
  const count = <A extends unknown[], T>(call: (...args: A) => T) => (...args: A): T => {
    counts.calls++;
    return call(...args);
  };
  const fs: DurableFs = {
    ...files.fs,
    open: count(files.fs.open),
    list: count(files.fs.list),
    identity: count(files.fs.identity),
  };
  const hold = () => {
    held.isOn = true;
    answered = new Promise((resolve) => held.letGo = resolve);
  };
  return { fs, counts, held, hold, files };
}

/** Three segments of two mutations each, closed. */
async function makeHistory(path: string): Promise<void> {
  await using manager = await openLedger(path, { compaction: "manual" });
  for (let i = 1; i <= 6; i++) {
    await manager.apply(i);
    if (i === 2 || i === 4) await manager.createSnapshot();
  }
}

const followers: Record<string, { readOnly: boolean; follow: boolean }> = {
  "a writer's follower": { readOnly: false, follow: true },
  "a writer's history": { readOnly: false, follow: false },
  "a reader's follower": { readOnly: true, follow: true },
  "a reader's history": { readOnly: true, follow: false },
};

for (const [who, { readOnly, follow }] of Object.entries(followers)) {
  test(`close() ends ${who} in mid-history, and nothing is read by name after it`, async () => {
    await using directory = await temporaryDirectory();
    await makeHistory(directory.path);
    const { fs, counts } = await named();
    const manager: Manager = await openLedger(directory.path, { readOnly, fs });
    const changes = manager.changes({ from: 1, follow });
    assertEquals((await changes.next()).value?.sequence, 1);
    await manager.close();
    const { calls } = counts;
    const seen = [];
    for await (const { sequence } of changes) seen.push(sequence);
    // What was at hand may still be given.
    assertEquals(seen.filter((sequence) => sequence > 2), []);
    assertEquals(await changes.next(), over);
    assertEquals(counts.calls, calls);
  });

  if (follow && !readOnly) continue;
  test(`close() ends ${who} in the middle of a read that the disk does not answer`, async () => {
    await using directory = await temporaryDirectory();
    await makeHistory(directory.path);
    const { fs, counts, held, hold, files } = await named();
    const manager: Manager = await openLedger(directory.path, { readOnly, fs });
    hold();
    const next = manager.changes({ from: 1, follow }).next();
    await until(() => held.asked > 0);
    await manager.close();
    assertEquals(await next, over);
    const { calls } = counts;
    held.letGo();
    await until(() => files.open === 0);
    assertEquals(counts.calls, calls);
  });
}

test("close() waits for the read that a writer's follower has started, and no other follows", async () => {
  await using directory = await temporaryDirectory();
  await makeHistory(directory.path);
  const { fs, counts, held, hold, files } = await named();
  const manager: Manager = await openLedger(directory.path, { fs });
  hold();
  const changes = manager.changes({ from: 1 });
  const asked = [changes.next(), changes.next(), changes.next()];
  await until(() => held.asked > 0);
  const closing = manager.close();
  held.letGo();
  await closing;
  const { calls } = counts;
  const given = (await Promise.all(asked)).map(({ value }) => value?.sequence ?? null);
  assertEquals(given, [1, 2, null]);
  assertEquals([counts.calls, files.open], [calls, 0]);
});

for (const readOnly of [false, true]) {
  const who = readOnly ? "reader" : "writer";
  test(`replay() of a ${who} fails with ClosedError when the journal is closed in mid-history`, async () => {
    await using directory = await temporaryDirectory();
    await makeHistory(directory.path);
    const { fs, counts, files } = await named();
    const journal = await Journal.open(directory.path, journalName, { readOnly, fs });
    const replay = journal.replay();
    assertEquals((await replay.next()).value?.sequence, 1);
    await journal.close();
    const { calls } = counts;
    const seen: number[] = [];
    await assertFails(async () => {
      for await (const { sequence } of replay) seen.push(sequence);
    }, closed);
    assertEquals(seen.filter((sequence) => sequence > 2), []);
    assertEquals([counts.calls, files.open], [calls, 0]);
  });

  test(`close() of a ${who} closes the file of a replay() that nobody continues`, async () => {
    await using directory = await temporaryDirectory();
    await makeHistory(directory.path);
    const { fs, held, hold, files } = await named();
    const journal = await Journal.open(directory.path, journalName, { readOnly, fs });
    const before = files.open;
    const [idle, reading] = [journal.replay(), journal.replay()];
    assertEquals((await idle.next()).value?.sequence, 1);
    assertEquals(files.open, before + 1);
    hold();
    const asked = Promise.allSettled([reading.next()]);
    await until(() => held.asked > 0);
    const closing = journal.close();
    held.letGo();
    await closing;
    // Nor is anything left open by one that was reading at that moment.
    await asked;
    assertEquals(files.open, 0);
  });

  test(`close() of a ${who} waits for stateAt() and backup()`, async () => {
    await using directory = await temporaryDirectory();
    const [path, target] = [directory.join("state"), directory.join("copy")];
    await makeHistory(path);
    const { fs, counts, held, hold, files } = await named();
    const manager: Manager = await openLedger(path, { readOnly, fs });
    hold();
    const past = manager.stateAt(5);
    const copying = manager.backup(target);
    await until(() => held.asked > 0);
    let isClosed = false;
    const closing = manager.close().then(() => isClosed = true);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assertEquals(isClosed, false);
    held.isOn = false;
    held.letGo();
    await closing;
    const { calls } = counts;
    assertEquals(await past, { entries: [1, 2, 3, 4, 5] });
    assertEquals((await copying).sequence, 6);
    assertEquals([counts.calls, files.open], [calls, 0]);
    const copy = await openLedger(target, { fs: await detectFs() });
    assertEquals(copy.snapshot(), { entries: [1, 2, 3, 4, 5, 6] });
    await copy.close();
  });
}
