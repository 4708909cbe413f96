/**
 * `repair --salvage`: writes records that a repair would set aside, or that earlier ones have, to a file for a person.
 *
 * @module
 */

import { stemOf } from "../src/disk/names.ts";
import type { DurableFs } from "../src/durable_fs.ts";
import { ioError } from "../src/failures.ts";
import { salvage, type SalvagedFile, type Unproven } from "../src/recovery/salvage.ts";
import { planSalvage } from "../src/recovery/salvage_targets.ts";
import { type Context, say } from "./context.ts";
import { CommandError } from "./exit.ts";
import { NewFile } from "./new_file.ts";
import { countText, rangeText, safeText } from "./text.ts";

/** What was written, for programs. */
export interface Salvaged {
  /** The new file; `null` when there was nothing to write. */
  path: string | null;
  records: number;
  files: SalvagedFile[];
  unproven: Unproven[];
  /** Files that were not searched to the end. */
  skipped: string[];
}

/** How much to collect before it is written. */
const PIECE_SIZE = 64 * 1024;

/**
 * Writes the records to a new file, which gets its name once it is whole and durable.
 *
 * @param journal the name of the journal in the directory
 */
export async function salvageTo(
  { fs }: Context,
  directory: string,
  journal: string,
  given: string,
): Promise<Salvaged> {
  const path = await fs.resolve(given);
  await refuseExisting(fs, path, given);
  const { id, targets } = await planSalvage(fs, directory, stemOf(journal));
  const output = await NewFile.create(fs, path);
  try {
    let text = "";
    const report = await salvage(fs, targets, id, async (records) => {
      for (const record of records) text += JSON.stringify(record) + "\n";
      if (text.length < PIECE_SIZE) return;
      await output.write(text);
      text = "";
    });
    const records = report.files.reduce((sum, each) => sum + each.records, 0);
    if (records === 0) {
      await output.discard();
    } else {
      await output.write(text);
      await output.finish();
    }
    return { path: records === 0 ? null : given, records, ...report };
  } catch (error) {
    await output.discard();
    throw ioError("write", path, error);
  }
}

/** An earlier salvage may be the only one that can still be had. */
async function refuseExisting(fs: DurableFs, path: string, given: string): Promise<void> {
  try {
    await fs.identity(path);
  } catch (error) {
    const failure = ioError("look at", path, error);
    if (failure.systemCode === "ENOENT") return;
    throw failure;
  }
  throw new CommandError(
    "NOT_EMPTY",
    `"${given}" is there already: give another file for --salvage; nothing was changed`,
  );
}

/** Shows what was found, and what nothing proves. */
export function showSalvaged(context: Context, { path, records, ...found }: Salvaged): void {
  for (const { path, records, ranges } of found.files) {
    const texts = ranges.map(([first, last]) => rangeText(first, last));
    const count = countText(records, "record");
    say(context, `salvaged  ${safeText(path)}: ${count}, sequence ${texts.join(", ")}`);
  }
  for (const { path, offset, sequenceFirst, sequenceLast, reason } of found.unproven) {
    const why = reason === null ? "" : ` (${reason})`;
    const range = rangeText(sequenceFirst, sequenceLast);
    say(
      context,
      `unproven  ${safeText(path)} at offset ${offset}: nothing proves sequence ${range}${why}`,
    );
  }
  for (const path of found.skipped) {
    say(
      context,
      `unproven  ${safeText(path)}: not searched to its end: too much there is not ours`,
    );
  }
  say(
    context,
    path === null
      ? "Nothing to salvage: no record after damage is provably whole; no file was written"
      : `${countText(records, "record")} in "${
        safeText(path)
      }", for you to read: no repair replays them`,
  );
}
