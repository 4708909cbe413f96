// Tests segments and snapshots that only fsck can move: "quarantine" brings the board up beside them, and nothing that
// comes later depends on them.

import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CorruptionError, StateManager } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { inspectState } from "../../src/recovery/inspect.ts";
import { keepsNothingDown } from "../../simulation/promises_rotten.ts";
import { UNCOUNTED } from "../../simulation/tally.ts";
import {
  CASES,
  contents,
  DIRECTORY,
  kept,
  make,
  open,
  pathOf,
  quarantine,
  rottenOf,
} from "../support/rotten_inodes.ts";
import { journalName, ledger } from "../support/samples.ts";

for (const code of ["EBADMSG", "EUCLEAN", "EIO"]) {
  for (const each of CASES) {
    test(`open() continues beside a rotten inode (${code}): ${each.name}`, async () => {
      const disk = await make(each);
      const fs = rottenOf(disk, each, code);
      const paths = each.rotten.map(pathOf);
      const superseded = (each.superseded ?? each.rotten).map(pathOf);
      const before = contents(disk);
      await assertRejects(() => open(fs), CorruptionError);
      assertEquals(contents(disk), before);
      const next = each.kept.length + 1;
      {
        await using manager = await open(fs, quarantine);
        const { lost, superseded: stay } = manager.recovery;
        assertEquals([kept(manager), lost?.sequenceFirst, lost?.sequenceLast], [
          each.kept,
          next,
          each.lostLast,
        ]);
        assertEquals(stay.toSorted(), superseded);
        assert(lost!.quarantined.every((path) => disk.peek(path) !== null), `${lost!.quarantined}`);
        assertEquals((await manager.apply("a")).sequence, next);
      }
      // From now on nothing needs them, in any way of opening.
      {
        await using reader = await open(fs, { readOnly: true });
        assertEquals([kept(reader), reader.recovery.lost], [`${each.kept}a`, null]);
        assertEquals(reader.recovery.superseded.toSorted(), superseded);
        await reader.backup("/data/beside");
      }
      const { findings, nextOpen } = await inspectState(fs, DIRECTORY, journalName);
      assertEquals([nextOpen.outcome, nextOpen.sequence], ["open", next]);
      const found = findings.filter(({ path }) => paths.includes(path));
      assertEquals(found.map(({ path, needed }) => [path, needed]).toSorted(), [
        ...paths.map((path) => [path, false]),
      ]);
      await using manager = await open(fs);
      assertEquals([kept(manager), manager.recovery.lost], [`${each.kept}a`, null]);
      await manager.apply("b");
      const sequences: number[] = [];
      for await (const { sequence } of manager.changes({ from: next })) {
        sequences.push(sequence);
        if (sequence === next + 1) break;
      }
      assertEquals(sequences, [next, next + 1]);
      assertEquals((await manager.stateAt(next)).entries.join(""), `${each.kept}a`);
      await manager.backup("/data/backup");
      for (const c of "cde") {
        await manager.apply(c);
        await manager.compact();
      }
      for (const [path, state] of [["beside", "a"], ["backup", "ab"]] as const) {
        await using copy = await StateManager.open(`/data/${path}`, journalName, ledger, { fs });
        assertEquals([kept(copy), copy.recovery.superseded], [`${each.kept}${state}`, []]);
      }
      await manager.close();
      await using last = await open(fs);
      assertEquals([kept(last), last.recovery.lost], [`${each.kept}abcde`, null]);
    });
  }
}

test("open() moves a superseded file away as soon as fsck has made that possible", async () => {
  for (const each of CASES) {
    const disk = await make(each);
    const fs = rottenOf(disk, each, "EBADMSG");
    await open(fs, quarantine).then((manager) => manager.apply("a").then(() => manager.close()));
    const superseded = (each.superseded ?? each.rotten).map(pathOf);
    await using manager = await open(disk);
    const { recovery } = manager;
    assertEquals([kept(manager), recovery.lost, recovery.superseded], [`${each.kept}a`, null, []]);
    assertEquals(superseded.filter((path) => disk.peek(path) !== null), []);
  }
});

test("open() gives the same result after a power cut at every step beside a rotten inode", () =>
  keepsNothingDown(UNCOUNTED));

test("Journal.open() continues beside a rotten inode without any snapshot", async () => {
  for (const each of CASES) {
    const disk = await make(each);
    const fs = rottenOf(disk, each, "EBADMSG");
    const options = { fs, onCorruption: "quarantine" as const };
    const next = each.kept.length + 1;
    {
      await using journal = await Journal.open(DIRECTORY, journalName, options);
      assertEquals([journal.sequence, journal.recovery.lost?.sequenceFirst], [next - 1, next]);
      assertEquals((await journal.append("a")).sequence, next);
    }
    await using journal = await Journal.open(DIRECTORY, journalName, { fs });
    assertEquals([journal.sequence, journal.recovery.lost], [next, null]);
    const seen: unknown[] = [];
    for await (const { mutation } of journal.replay({ from: next })) seen.push(mutation);
    assertEquals(seen, ["a"]);
  }
});
