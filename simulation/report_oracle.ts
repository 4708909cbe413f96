/**
 * Checks the report of `open`: it must be true, and it must contain everything that `open` changed.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { RecoveryReport } from "@ministate/ministate";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { DIRECTORY, type Manager } from "./world.ts";

/** What was kept of a torn tail, to be looked for again after the next power cut. */
export interface Kept {
  path: string;
  bytes: string;
}

const latin1 = new TextDecoder("latin1");

/**
 * Compares a report with the disk before and after.
 *
 * @returns the torn bytes that were kept, if there were any
 */
export function checkReport(
  manager: Manager,
  before: PowerCutDisk,
  after: PowerCutDisk,
): Kept | null {
  const { recovery } = manager;
  const { snapshot, replayed, sequence } = recovery;
  assertEquals(sequence, manager.sequence, "the report names another sequence");
  assertEquals(replayed, sequence - (snapshot?.sequence ?? 0), "the report counts other mutations");
  if (snapshot !== null) {
    assert(before.peek(snapshot.path) !== null, "the report names no snapshot");
  }
  for (const path of before.paths(DIRECTORY)) {
    if (/\/state\/[^/]*\.wal\.jsonl$/.test(path)) {
      changesNothingUnsaid(recovery, path, before, after);
    }
  }
  return keptTail(recovery, before, after);
}

/** Bytes that are not empty space may go only if the report says so. */
function changesNothingUnsaid(
  { torn, lost }: RecoveryReport,
  path: string,
  before: PowerCutDisk,
  after: PowerCutDisk,
): void {
  if (lost !== null || torn?.path === path) return;
  if (before.holdsSame(path, after)) return;
  const was = written(before, path);
  assert(written(after, path).startsWith(was), `open changed ${path} without a word`);
}

/** What follows the header. A segment with only a seal makes room for one of a new version. */
function written(disk: PowerCutDisk, path: string): string {
  const text = latin1.decode(disk.peek(path) ?? new Uint8Array(0));
  // The initial state's checksum begins with the header's, so a new header changes it.
  const body = text.slice(text.indexOf("\n") + 1).replace(/^\{"initial":.*\n/m, "").trimEnd();
  return body.replace(/^(\[\[.*\n)?\{"seal":.*,"crc":"[0-9a-f]{8}"\}$/, "$1").trimEnd();
}

function keptTail(
  { torn }: RecoveryReport,
  before: PowerCutDisk,
  after: PowerCutDisk,
): Kept | null {
  if (torn === null) return null;
  const { path, offset, size, keptAt } = torn;
  if (size === 0 && offset === 0) {
    assert(before.peek(path)!.length === 0, "a segment that is not empty was recreated");
    return null;
  }
  const bytes = latin1.decode(before.peek(path)!.subarray(offset, offset + size));
  const kept = { path: keptAt ?? "", bytes };
  assert(keptAt !== null && isKept(kept, after), "the torn bytes are not kept");
  return kept;
}

/** Whether the torn bytes are where the report said. */
export function isKept({ path, bytes }: Kept, disk: PowerCutDisk): boolean {
  const found = disk.peek(path);
  return found !== null && latin1.decode(found) === bytes;
}
