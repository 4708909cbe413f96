// Tests `repair` and `verify` with files that only fsck can move.

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { type DurableFs, StateManager } from "@ministate/ministate";
import { freshDisk } from "../../simulation/workloads.ts";
import { badDisk } from "../support/bad_disk.ts";
import { fileName } from "../support/files.ts";
import { damage, makeState, wal } from "../support/rotten_inodes.ts";
import { journalName, ledger } from "../support/samples.ts";
import { runHere } from "../support/command_in_process.ts";

const DIRECTORY = "/data/state";

/** Segments from 1, 2 and 3 with a mutation each, snapshots of sequence 1 and 2; one file has a rotten inode. */
async function rotten(name: string): Promise<DurableFs> {
  const disk = freshDisk();
  await using manager = await StateManager.open(DIRECTORY, journalName, ledger, {
    fs: disk,
    compaction: "manual",
  });
  for (let i = 1; i <= 3; i++) {
    await manager.apply(i);
    if (i < 3) await manager.createSnapshot();
  }
  return badDisk(disk, { part: `state/${name}`, code: "EBADMSG" }).fs;
}

for (
  const { name, lost } of [
    { name: fileName("wal", 3), lost: { sequenceFirst: 3, sequenceLast: null } },
    { name: fileName("snapshot", 1), lost: null },
  ]
) {
  test(`repair continues beside a rotten inode, names it, and can be run again (${name})`, async () => {
    const fs = await rotten(name);
    const path = `${DIRECTORY}/${name}`;
    const first = await runHere(["repair", DIRECTORY, "--yes"], { fs });
    assert(first.output.includes(`stays      ${path}: its inode is damaged`), first.output);
    assert(first.output.includes(`from sequence ${lost === null ? 3 : 2}`), first.output);
    const again = JSON.parse(
      (await runHere(["--json", "repair", DIRECTORY, "--yes"], { fs })).output,
    );
    assertEquals([again.stays, again.setAside, again.lost], [[path], [], null]);
    const verified = await runHere(["verify", DIRECTORY], { fs });
    assert(verified.output.includes(path) && verified.output.includes("Nothing is lost"));
    await using manager = await StateManager.open(DIRECTORY, journalName, ledger, { fs });
    assertEquals(manager.state.entries.length, lost === null ? 3 : 2);
  });
}

for (const code of ["EBADMSG", "EUCLEAN", "EIO"]) {
  test(`repair says which folder the damaged files go to when the quarantine fails with ${code}`, async () => {
    const folders = [/\/quarantine(\/|$)/, /\/quarantine-2(\/|$)/, /\/quarantine/];
    for (const [count, name] of ["quarantine", "quarantine-2", "quarantine-3", null].entries()) {
      const disk = await makeState();
      await disk.makeDirectory(`${DIRECTORY}/quarantine`);
      damage(wal(5), '"6"')(disk);
      const parts = count === 3 ? folders.slice(2) : folders.slice(0, count);
      const { fs } = badDisk(disk, ...parts.map((part) => ({ part, code })));
      const { output } = await runHere(["repair", DIRECTORY, "--yes"], { fs });
      const says = name === null
        ? "The damaged files can't be kept: no quarantine folder can be used before fsck has run"
        : `The damaged files are kept in the folder "${name}" of the state directory`;
      assert(output.split("\n").includes(says), output);
      assertEquals(output.includes(`set aside  ${DIRECTORY}/${name}/${wal(5)}`), name !== null);
    }
  });
}
