/**
 * Opens a directory that was made to do harm: it opens or is refused with a code, in bounded
 * work, changes nothing when it is refused, and reaches nothing outside.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { MinistateError } from "@ministate/ministate";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { SEQUENCE_MAX } from "../src/format/format.ts";
import { QUARANTINE } from "../src/disk/names.ts";
import { assertUntouched, contentsOf, openMetered, OUTSIDE } from "./structure_oracle.ts";
import { DIRECTORY, type Manager } from "./world.ts";

/** Codes with which a directory is not opened for writing, whatever `onCorruption` says. */
const REFUSED = ["FOREIGN_FORMAT", "TOO_NEW", "MIGRATION_FAILED", "MUTATOR_CHANGED"];

/** Checks everything that holds for any directory at all. */
export async function checkHostile(disk: PowerCutDisk): Promise<void> {
  const refused = await hasNonFiles(disk) ? [...REFUSED, "IO_FAILED"] : REFUSED;
  await opensOrRefuses(disk.image(), { onCorruption: "fail" }, ["CORRUPT", ...refused]);
  await opensOrRefuses(disk.image(), { readOnly: true }, ["CORRUPT", ...refused]);
  const manager = await opensOrRefuses(disk, { onCorruption: "quarantine" }, refused);
  assertEquals(({} as { polluted?: unknown }).polluted, undefined, "a prototype was reached");
  if (manager !== null) {
    assertPlain(manager.state);
    await goesOn(manager, disk);
  }
  assertEquals([...disk.peek(OUTSIDE)!], [1, 2, 3], "a file outside was changed");
}

/** Checks that a state is of plain objects and arrays without holes, whatever its keys were. */
function assertPlain(state: unknown): void {
  const left = [state];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value !== "object" || value === null) continue;
    const plain = Array.isArray(value) ? Array.prototype : Object.prototype;
    assert(Object.getPrototypeOf(value) === plain, "a prototype came from a file");
    const members = Object.values(value);
    assert(!Array.isArray(value) || members.length === value.length, "an array has holes");
    for (const member of members) left.push(member);
  }
}

async function opensOrRefuses(
  disk: PowerCutDisk,
  options: Parameters<typeof openMetered>[1],
  codes: string[],
): Promise<Manager | null> {
  const before = contentsOf(disk);
  const { manager, code, error } = await openMetered(disk, options, true);
  if (manager === null) {
    assert(codes.includes(code!), `it refused with ${code}: ${error!.message}`);
    // An obstacle shows only once the work has begun.
    if (code !== "IO_FAILED" || options.onCorruption !== "quarantine") {
      assertUntouched(disk, before, "a refused open");
    }
  } else if (options.onCorruption !== "quarantine") {
    await manager.close();
    return null;
  }
  return manager;
}

/** The next mutation works, a snapshot works or is refused with a code, and it opens again with all of that. */
async function goesOn(manager: Manager, disk: PowerCutDisk): Promise<void> {
  // After the highest sequence there is no next one.
  const sequence = Math.min(manager.sequence + 1, SEQUENCE_MAX);
  await settled(() => manager.apply({ id: -1 }), ["REJECTED", "TOO_LARGE"]);
  assertEquals(manager.sequence, sequence, "the next mutation got another sequence");
  await settled(() => manager.createSnapshot(), ["INVALID_STATE", "IO_FAILED"]);
  await manager.close();
  const { manager: again, error } = await openMetered(disk, { onCorruption: "fail" }, true);
  assert(again !== null, `it didn't open again: ${error?.message}`);
  assertEquals(again.sequence, sequence, "opened again");
  await again.close();
}

async function settled(call: () => Promise<unknown>, codes: string[]): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof MinistateError) || !codes.includes(error.code)) throw error;
  }
}

/** Whether something is in the way: not a file where a file belongs, or not a directory where a directory belongs. */
async function hasNonFiles(disk: PowerCutDisk): Promise<boolean> {
  const entries = await disk.image().list(DIRECTORY);
  const folder = entries.find(({ name }) => name === QUARANTINE);
  const within = folder?.kind === "directory"
    ? await disk.image().list(`${DIRECTORY}/${QUARANTINE}`)
    : [];
  return [...entries.filter((entry) => entry !== folder), ...within].some(({ kind }) =>
    kind !== "file"
  ) ||
    (folder !== undefined && folder.kind !== "directory");
}
