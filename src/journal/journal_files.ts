/**
 * The files of one journal, as whoever reads them by name finds them: never those of another that has taken their place.
 *
 * A directory that was removed and made anew can have the same number, and a reader holds no lock that would tell. The
 * identity in the headers does.
 *
 * @module
 */

import type { DurableFs } from "../durable_fs.ts";
import { DirectoryGoneError, ForeignFormatError, MinistateError } from "../errors.ts";
import type { NamedFile, StateFiles } from "../disk/names.ts";
import { directoryGone } from "../disk/place.ts";
import { kindOf, readHeaderOf } from "../disk/header_file.ts";
import { SegmentReader } from "./segment_reader.ts";

/** The files of one journal. */
export class JournalFiles {
  readonly fs: DurableFs;
  /** What is in the directory now, whoever it belongs to. */
  readonly list: () => Promise<StateFiles>;
  readonly #gone: (directory: string, what: string, cause: unknown) => DirectoryGoneError;
  #id: string | null = null;

  /** @param gone makes the error when all of the files are gone */
  constructor(fs: DurableFs, list: () => Promise<StateFiles>, gone = directoryGone) {
    this.fs = fs;
    this.list = list;
    this.#gone = gone;
  }

  /** The identity of the journal; `null` until it is known. */
  get id(): string | null {
    return this.#id;
  }

  /** Says whose files they are. Otherwise the first segment that is opened does. */
  belongTo(id: string | null): void {
    this.#id = id;
  }

  /**
   * Opens a segment, as {@linkcode SegmentReader.open}.
   *
   * @throws {ForeignFormatError} when it belongs to another journal
   */
  async open(named: NamedFile): Promise<SegmentReader> {
    const reader = await SegmentReader.open(this.fs, named);
    this.#id ??= reader.header.id;
    if (reader.header.id === this.#id) return reader;
    await reader.close();
    throw strangerError(named);
  }

  /**
   * Reads. What fails because the files are no longer there, or are another journal's, is reported as that.
   *
   * @throws {DirectoryGoneError} when none of the journal's files is left
   */
  async read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      const isExplained = !(error instanceof MinistateError) || error instanceof DirectoryGoneError;
      if (!isExplained) await this.check(error);
      throw error;
    }
  }

  /**
   * Makes sure that one file of the journal is there at least.
   *
   * @throws {DirectoryGoneError} when none is left
   */
  async check(cause?: unknown): Promise<void> {
    if (this.#id === null) return;
    const files = await this.list();
    if (await holdsJournal(this.fs, files, this.#id)) return;
    throw this.#gone(files.directory, "none of its files is of the journal that was there", cause);
  }
}

/** The error for a segment of another journal. */
export function strangerError({ path, sequence }: NamedFile): ForeignFormatError {
  return new ForeignFormatError(
    `"${path}" belongs to another journal: move it back to where it came from`,
    { path, offset: 0, sequence },
  );
}

/**
 * Whether any file is of the journal with this identity. One that can't be judged may be.
 */
async function holdsJournal(
  fs: DurableFs,
  { segments, snapshots }: StateFiles,
  id: string,
): Promise<boolean> {
  for (const named of [...segments.toReversed(), ...snapshots.toReversed()]) {
    try {
      const reading = await readHeaderOf(fs, named, kindOf(named));
      const isStrange = reading.kind === "sound"
        ? reading.header.id !== id
        : reading.kind === "foreign";
      if (!isStrange) return true;
    } catch {
      // It was deleted by a compaction, or can't be read now: neither says that the journal is gone.
      return true;
    }
  }
  return false;
}
