/**
 * Replays recorded histories with the mutator being checked.
 *
 * @module
 */

import { detectPlace } from "../runtime/detect.ts";
import { findJournalName } from "../src/disk/names.ts";
import type { DurableFs } from "../src/durable_fs.ts";
import { verifyDirectory } from "../src/state/verify_files.ts";
import type { VerifyReport } from "../src/state/verify_report.ts";
import type { MutatorFlaw } from "./mutator_rules.ts";
import type { Subject } from "./subject.ts";

/** Not looked for: without any journal, opening says that there is no state. */
const NO_JOURNAL = "none.wal.jsonl";

/** What a mutator makes of one recorded history; a difference is a flaw. */
export async function verifyRecorded<S, M>(
  subject: Subject<S, M>,
  directory: string,
  given: DurableFs | undefined,
): Promise<{ report: VerifyReport; flaw: MutatorFlaw | null }> {
  const { fs, directory: path } = await detectPlace(directory, given);
  const name = await findJournalName(fs, path) ?? NO_JOURNAL;
  const report = await verifyDirectory(fs, path, name, subject.make());
  const { difference } = report;
  if (difference === null) return { report, flaw: null };
  const found = `in "${directory}", ${difference.message}`;
  const { cause } = difference;
  return { report, flaw: { rule: "history", found, ...(cause === null ? {} : { cause }) } };
}
