/**
 * `repair --salvage`: writes records that a repair would set aside, or that earlier ones have, to a file for a person.
 *
 * @module
 */

import { closeFile } from "../src/disk/close_file.ts";
import { createTemporary, discard, writeFully } from "../src/disk/file_io.ts";
import { parentOf, stemOf } from "../src/disk/names.ts";
import type { DurableFile, DurableFs } from "../src/durable_fs.ts";
import { ioError } from "../src/failures.ts";
import { salvage, type SalvagedFile, type Unproven } from "../src/recovery/salvage.ts";
import { planSalvage } from "../src/recovery/salvage_targets.ts";
import { type Context, say } from "./context.ts";
import { CommandError } from "./exit.ts";
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
  const output = await Output.create(fs, path);
  try {
    const report = await salvage(fs, targets, id, async (records) => {
      for (const record of records) await output.write(JSON.stringify(record) + "\n");
    });
    const records = report.files.reduce((sum, file) => sum + file.records, 0);
    if (records === 0) await output.discard();
    else await output.finish();
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

class Output {
  readonly #fs: DurableFs;
  readonly #path: string;
  readonly #temporary: string;
  #file: DurableFile | undefined;
  #text = "";
  #size = 0;

  private constructor(fs: DurableFs, path: string, temporary: string, file: DurableFile) {
    this.#fs = fs;
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
  }

  static async create(fs: DurableFs, path: string): Promise<Output> {
    try {
      const temporary = await createTemporary(fs, path);
      return new Output(fs, path, temporary.path, temporary.file);
    } catch (error) {
      throw ioError("write", path, error);
    }
  }

  async write(text: string): Promise<void> {
    this.#text += text;
    if (this.#text.length >= PIECE_SIZE) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = new TextEncoder().encode(this.#text);
    this.#text = "";
    await writeFully(this.#file!, bytes, this.#size);
    this.#size += bytes.length;
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#file!.syncAll();
    await this.#fs.rename(this.#temporary, this.#path);
    // Again: otherwise a power cut on FAT can leave the new name on an empty file.
    await this.#file!.syncAll();
    const file = this.#file;
    this.#file = undefined;
    await closeFile(file, this.#path);
    await this.#fs.syncDirectory(parentOf(this.#path)!);
  }

  async discard(): Promise<void> {
    await discard(this.#fs, this.#file, this.#temporary);
  }
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
