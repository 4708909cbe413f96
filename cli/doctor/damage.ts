/**
 * Finds files that the file system itself refuses to access, because its own records about them are damaged.
 *
 * @module
 */

import { isOwnName, joinPath } from "../../src/disk/names.ts";
import type { Machine } from "../machine.ts";
import { safeText } from "../text.ts";
import { ask, type DoctorFinding, type Fact, isUnknown } from "./finding.ts";

/** Errors that are no sign of damage: the file was deleted by a compaction, or this user may not access it. */
const NO_DAMAGE: readonly string[] = ["ENOENT", "EACCES", "EPERM"];

/** Reports which of our files can't even be accessed. */
export async function damageFindings(
  machine: Machine,
  directory: string,
  names: Fact<string[]>,
): Promise<DoctorFinding[]> {
  const findings: DoctorFinding[] = [];
  for (const name of isUnknown(names) ? [] : names.filter(isOwnName)) {
    const status = await ask(() => machine.status(joinPath(directory, name)));
    if (!isUnknown(status) || NO_DAMAGE.includes(status.unknown)) continue;
    findings.push({
      check: "files",
      mark: "warning",
      found: `${safeText(name)} can't be accessed (${status.unknown})`,
      meaning: "The file system finds its own records about it damaged, or the device fails",
      advice: "Stop the program, unmount the file system and run fsck; then look at the card",
    });
  }
  return findings;
}
