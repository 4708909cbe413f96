/**
 * The files of one journal, found by name. Never returns those of another journal that has taken their place.
 *
 * A directory that was removed and created again can have the same inode number, and a reader holds no lock that would
 * reveal that. The identity in the headers does.
 *
 * @module
 */

import type { DurableFs } from "../durable_fs.ts";
import { DirectoryGoneError, ForeignFormatError, MinistateError } from "../errors.ts";
import type { NamedFile, StateFiles } from "../disk/names.ts";
import type { Pieces } from "../disk/pieces.ts";
import { directoryGone } from "../disk/place.ts";
import { kindOf, readHeaderOf } from "../disk/header_file.ts";
import { SegmentReader } from "./segment_reader.ts";

/** The files of one journal. */
export class JournalFiles {
  readonly fs: DurableFs;
  /** Lists the directory now, whichever journal its files belong to. */
  readonly list: () => Promise<StateFiles>;
  readonly #gone: (directory: string, what: string, cause: unknown) => DirectoryGoneError;
  #id: string | null = null;

  /** @param gone makes the error for when all of the files are gone */
  constructor(fs: DurableFs, list: () => Promise<StateFiles>, gone = directoryGone) {
    this.fs = fs;
    this.list = list;
    this.#gone = gone;
  }

  /** The journal's identity; `null` until it is known. */
  get id(): string | null {
    return this.#id;
  }

  /** Sets the identity of the journal. Otherwise the first segment that is opened sets it. */
  belongTo(id: string | null): void {
    this.#id = id;
  }

  /**
   * Opens a segment, like {@linkcode SegmentReader.open}.
   *
   * @throws {ForeignFormatError} when it belongs to another journal
   */
  async open(file: NamedFile, pieces?: Pieces): Promise<SegmentReader> {
    const reader = await SegmentReader.open(this.fs, file, pieces);
    this.#id ??= reader.header.id;
    if (reader.header.id === this.#id) return reader;
    await reader.close();
    throw strangerError(file);
  }

  /**
   * Reads. If a read fails because the files are gone or belong to another journal, that is what is reported.
   *
   * @throws {DirectoryGoneError} when none of the journal's files are left
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
   * Makes sure that at least one file of the journal is there.
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
 * Whether any file belongs to the journal with this identity. A file that can't be judged may belong to it.
 */
async function holdsJournal(
  fs: DurableFs,
  { segments, snapshots }: StateFiles,
  id: string,
): Promise<boolean> {
  for (const file of [...segments.toReversed(), ...snapshots.toReversed()]) {
    try {
      const reading = await readHeaderOf(fs, file, kindOf(file));
      const isStrange = reading.kind === "sound"
        ? reading.header.id !== id
        : reading.kind === "foreign";
      if (!isStrange) return true;
    } catch {
      // It was deleted by a compaction, or can't be read now. Neither means that the journal is gone.
      return true;
    }
  }
  return false;
}
