/**
 * Writes a file of the user, so that after a power cut it is either as it was or whole.
 *
 * @module
 */

import { createTemporary, discard, writeFully } from "../src/disk/file_io.ts";
import { parentOf } from "../src/disk/names.ts";
import type { DurableFile, DurableFs } from "../src/durable_fs.ts";
import { ioError } from "../src/failures.ts";

/** A file that gets its name once all of it is durable. Ends with `finish` or `discard`. */
export class NewFile {
  readonly #fs: DurableFs;
  readonly #path: string;
  readonly #temporary: string;
  #file: DurableFile | undefined;
  #size = 0;

  private constructor(fs: DurableFs, path: string, temporary: string, file: DurableFile) {
    this.#fs = fs;
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
  }

  /**
   * Begins it under a temporary name.
   *
   * @throws {IoError} when that can't be made
   */
  static async create(fs: DurableFs, path: string): Promise<NewFile> {
    try {
      // No other program uses such a name, so one that is there was left by a command that was cut short.
      const { file, path: temporary } = await createTemporary(fs, `${path}.ministate`);
      return new NewFile(fs, path, temporary, file);
    } catch (error) {
      throw ioError("write", path, error);
    }
  }

  /** How many bytes were written. */
  get size(): number {
    return this.#size;
  }

  /** Adds text at its end. */
  async write(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    await writeFully(this.#file!, bytes, this.#size);
    this.#size += bytes.length;
  }

  /** Makes it durable and gives it its name. */
  async finish(): Promise<void> {
    const file = this.#file!;
    // Sync before rename: otherwise a power cut can leave the new name on an empty file.
    await file.syncAll();
    await this.#fs.rename(this.#temporary, this.#path);
    // Again: otherwise a power cut on FAT can leave the new name on an empty file.
    await file.syncAll();
    this.#file = undefined;
    await file.close();
    await this.#fs.syncDirectory(folderOf(this.#path));
  }

  /** Leaves nothing of it, unless it has its name already. */
  async discard(): Promise<void> {
    await discard(this.#fs, this.#file, this.#temporary);
  }
}

/** The folder of a path, which may be relative. */
export function folderOf(path: string): string {
  return parentOf(path) ?? ".";
}
