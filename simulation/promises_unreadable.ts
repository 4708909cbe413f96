/**
 * What is promised about a disk that refuses to give files, or parts of them: nothing acknowledged is given up that
 * can be read, and what can't be read is reported.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type DurableFs, StateManager, type StateManagerOptions } from "@ministate/ministate";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { type Bad, badDisk } from "../test/support/bad_disk.ts";
import { codeOf, fileOf, type Promised } from "./promised.ts";
import type { Tally } from "./tally.ts";
import { type Add, collector, DIRECTORY, type Ids, type Manager, NAME, World } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const UNREADABLE: readonly Promised[] = [
  { name: "an unreadable file that another can replace", keep: othersStandIn },
  { name: "an unreadable snapshot doesn't set the state back", keep: snapshotProves },
  { name: "a read that is refused for a moment", keep: momentsPass },
  { name: "an unreadable place in the journal", keep: journalIsKeptUpToIt },
];

const QUARANTINING = { onCorruption: "quarantine" } as const;
/** Longer than a page, so that no two records share all their pages. */
const PAD = 5000;
const RECORDS = 6;

function open(fs: DurableFs, options: StateManagerOptions = {}): Promise<Manager> {
  return StateManager.open<Ids, Add, number>(DIRECTORY, NAME, collector, {
    fs,
    compaction: "manual",
    ...options,
  });
}

/** Records 1 to 6, with a snapshot of each of `sequences`. */
async function recorded(sequences: number[]): Promise<PowerCutDisk> {
  const fs = freshDisk();
  const world = new World();
  const manager = await world.open(fs);
  for (let sequence = 1; sequence <= RECORDS; sequence++) {
    await world.apply(manager, PAD);
    if (sequences.includes(sequence)) await manager.createSnapshot();
  }
  await manager.close();
  return fs;
}

async function othersStandIn(tally: Tally): Promise<void> {
  for (const code of ["EIO", "EBADMSG", "EUCLEAN", "ENXIO"]) {
    for (const part of ["2.snapshot", "4.snapshot", "1.wal", "3.wal"]) {
      const { fs } = badDisk(await recorded([2, 4]), { part, code });
      const manager = await open(fs);
      assertEquals(manager.state.ids, [1, 2, 3, 4, 5, 6], `${part} fails with ${code}`);
      await manager.apply({ id: 7 });
      await manager.close();
      tally.state("unreadable", "replaced by another file");
    }
  }
}

/** The journal ends before the snapshot, and only the snapshot says that there was more. */
async function snapshotProves(tally: Tally): Promise<void> {
  for (const code of ["EIO", "EBADMSG"]) {
    const disk = await recorded([4]);
    disk.unplant(fileOf(disk, "w-0000000000000005.wal"));
    const path = fileOf(disk, "w-0000000000000001.wal");
    const lines = new TextDecoder().decode(disk.peek(path)!).trimEnd().split("\n");
    disk.plant(path, new TextEncoder().encode(lines.slice(0, 5).join("\n") + "\n"));
    const { fs } = badDisk(disk, { part: "4.snapshot", code, range: [100, 200] });
    assertEquals(await codeOf(async () => (await open(fs)).close()), "CORRUPT", code);
    const { state, recovery } = await open(fs, QUARANTINING);
    const { sequenceFirst, sequenceLast } = recovery.lost!;
    assertEquals([state.ids, sequenceFirst, sequenceLast], [[1, 2], 3, 4], code);
    tally.state("unreadable", "proven");
  }
}

/** Nothing is lost to a refusal that is not about the file, or to one that is over at the next attempt. */
async function momentsPass(tally: Tally): Promise<void> {
  for (const code of ["EACCES", "EPERM", "EMFILE", "EBUSY"]) {
    const disk = await recorded([2, 4]);
    for (const part of ["4.snapshot", "2.snapshot", "5.wal", "1.wal"]) {
      const { fs } = badDisk(disk, { part, code });
      const before = disk.fingerprint();
      assertEquals(await codeOf(() => open(fs, QUARANTINING)), "IO_FAILED", `${part}: ${code}`);
      assertEquals(disk.fingerprint(), before, `${part}: ${code}: something was changed`);
      tally.state("unreadable", "passed on");
    }
  }
  const bads: Bad[] = [
    // Three times for its first line, which others can replace, and twice more.
    { part: "4.snapshot", code: "EIO", times: 5 },
    // After what is read of the first line, in the middle of the first record.
    { part: "5.wal", code: "EIO", range: [4500, 4600], times: 3 },
  ];
  for (const bad of bads) {
    const manager = await open(badDisk(await recorded([2, 4]), bad).fs, QUARANTINING);
    const { lost, snapshotsSkipped } = manager.recovery;
    assertEquals([manager.sequence, lost, snapshotsSkipped], [RECORDS, null, []], String(bad.part));
    tally.state("unreadable", "asked for again");
  }
}

/** At each record, in turn: all before it is kept, and that there was more is never dropped without a word. */
async function journalIsKeptUpToIt(tally: Tally): Promise<void> {
  const disk = await recorded([]);
  const path = fileOf(disk, "w-");
  const text = new TextDecoder("latin1").decode(disk.peek(path)!);
  for (let record = 1; record <= RECORDS; record++) {
    const at = text.indexOf(`[${record},`) + 10;
    for (const to of [at + 512, text.length]) {
      const fork = disk.image();
      const { fs } = badDisk(fork, { part: "1.wal", code: "EIO", range: [at, to] });
      const where = `bytes ${at} to ${to}`;
      assertEquals(await codeOf(async () => (await open(fs)).close()), "CORRUPT", where);
      const manager = await open(fs, QUARANTINING);
      const { lost, torn } = manager.recovery;
      const sound = Array.from({ length: record - 1 }, (_, i) => i + 1);
      assertEquals([manager.state.ids, lost?.sequenceFirst, torn], [sound, record, null], where);
      // What follows the place proves how far the journal went.
      assertEquals(lost?.sequenceLast, to === text.length ? null : RECORDS, where);
      assertKept(fork, lost!.quarantined[0]!, text, at, to);
      await manager.apply({ id: -1 });
      await manager.close();
      const again = await open(fork.crash());
      assertEquals(again.state.ids, [...sound, -1], where);
      tally.state("unreadable", "kept up to it");
    }
  }
}

/** All that the disk gave is in the copy. */
function assertKept(fs: PowerCutDisk, path: string, text: string, from: number, to: number) {
  const copy = new TextDecoder("latin1").decode(fs.peek(path)!);
  const end = to === text.length ? to : to - to % 4096 + 4096;
  assert(copy.startsWith(text.slice(0, from)), "what precedes the place is not kept");
  assert(copy.endsWith(text.slice(end)), "what follows the place is not kept");
}
