// Directories with three segments, written by the runtime's own file system, and what a refused call fails with.

import { rm } from "node:fs/promises";
import { IoError } from "@ministate/ministate";
import { fileName } from "./files.ts";
import { openLedger } from "./samples.ts";

/** Segments from 1, 3 and 5, each with two mutations, and perhaps a snapshot of sequence 4. */
export async function makeSegments(path: string, withSnapshot = false): Promise<void> {
  await using manager = await openLedger(path, { compaction: "manual" });
  for (let i = 1; i <= 6; i++) {
    await manager.apply({ number: i });
    if (i === 2 || i === 4) await manager.createSnapshot();
  }
  await manager.close();
  await rm(`${path}/${fileName("snapshot", 2)}`);
  if (!withSnapshot) await rm(`${path}/${fileName("snapshot", 4)}`);
}

/** The same with strings, and with the snapshots of 2 and 4. */
export async function makeHistory(path: string, owner = "ours"): Promise<void> {
  await using manager = await openLedger(path, { compaction: "manual" });
  for (let i = 1; i <= 6; i++) {
    await manager.apply(`${owner} ${i}`);
    if (i === 2 || i === 4) await manager.createSnapshot();
  }
}

/** The failure of a call that the system refuses. */
export const ioFailure = (code: string) => ({
  error: IoError,
  code: "IO_FAILED",
  says: new RegExp(`: ${code}: `),
});
