/**
 * A file system that refuses to act by name once the path of its directory leads somewhere else.
 *
 * @module
 */

import { closeAfterFailure } from "./close_file.ts";
import {
  type DirectoryEntry,
  type DurableFile,
  type DurableFs,
  type DurableLock,
  type FileIdentity,
  type MaybePromise,
  type OpenMode,
  steadyNow,
} from "../durable_fs.ts";
import { NameWatch } from "./name_watch.ts";
import { finalPath } from "./names.ts";
import type { Place } from "./place.ts";

/** Checks the place before each call by name, and checks that synced files still have a name. */
export class PlacedFs implements DurableFs {
  readonly #fs: DurableFs;
  readonly #place: Place;
  readonly crc32: DurableFs["crc32"];

  constructor(fs: DurableFs, place: Place) {
    this.#fs = fs;
    this.#place = place;
    this.crc32 = fs.crc32;
  }

  async open(path: string, mode: OpenMode): Promise<DurableFile> {
    await this.#place.check();
    const file = await this.#fs.open(path, mode);
    if (mode === "read") return file;
    try {
      // Check again: a file created after the path changed is in another directory, and nothing may rely on it. It
      // stays there, because nothing is ever deleted in another directory.
      if (mode === "create") await this.#place.check();
      return new PlacedFile(file, this.#place, path);
    } catch (error) {
      await closeAfterFailure(file);
      throw error;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#place.check();
    await this.#fs.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    await this.#place.check();
    await this.#fs.remove(path);
  }

  async list(path: string): Promise<DirectoryEntry[]> {
    await this.#place.check();
    return await this.#fs.list(path);
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#place.check();
    await this.#fs.makeDirectory(path);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#place.check();
    await this.#fs.syncDirectory(path);
  }

  lock(path: string, directory?: string): Promise<DurableLock | null> {
    return this.#fs.lock(path, directory);
  }

  lockDirectory(path: string): Promise<DurableLock | null> {
    return this.#fs.lockDirectory(path);
  }

  identity(path: string): MaybePromise<FileIdentity> {
    return this.#fs.identity(path);
  }

  resolve(path: string): Promise<string> {
    return this.#fs.resolve(path);
  }

  now(): number {
    return steadyNow(this.#fs);
  }
}

/** A file that is open for writing. It answers synchronously where the file beneath it does. */
class PlacedFile implements DurableFile {
  readonly #file: DurableFile;
  readonly #place: Place;
  readonly #path: string;
  readonly #names: NameWatch | null;

  constructor(file: DurableFile, place: Place, path: string) {
    this.#file = file;
    this.#place = place;
    // Its messages and checks are about the name that it gets once it is complete.
    this.#path = finalPath(path);
    this.#names = place.changed === undefined ? null : new NameWatch(place.changed);
  }

  read(buffer: Uint8Array, offset: number): MaybePromise<number> {
    return this.#file.read(buffer, offset);
  }

  write(buffer: Uint8Array, offset: number): MaybePromise<number> {
    if (this.#place.gone !== null) throw this.#place.gone;
    return this.#file.write(buffer, offset);
  }

  syncData(): MaybePromise<void> {
    const syncing = this.#file.syncData();
    return syncing === undefined ? this.#checkHasName() : syncing.then(() => this.#checkHasName());
  }

  syncAll(): MaybePromise<void> {
    const syncing = this.#file.syncAll();
    return syncing === undefined ? this.#checkHasName() : syncing.then(() => this.#checkHasName());
  }

  #checkHasName(): MaybePromise<void> {
    if (this.#names?.isUnchanged()) return;
    const identity = this.#file.identity();
    return "then" in identity
      ? identity.then((later) => this.#checkLinks(later))
      : this.#checkLinks(identity);
  }

  #checkLinks(identity: FileIdentity): MaybePromise<void> {
    const gone = this.#place.checkHasName(identity, this.#path);
    if (gone !== undefined) return gone;
    // A name elsewhere also counts, but nothing watches it.
    if (this.#names?.isDue && this.#place.holds(identity, this.#path)) {
      this.#names.foundUnderItsName();
    }
  }

  truncate(size: number): MaybePromise<void> {
    return this.#file.truncate(size);
  }

  size(): MaybePromise<number> {
    return this.#file.size();
  }

  identity(): MaybePromise<FileIdentity> {
    return this.#file.identity();
  }

  close(): MaybePromise<void> {
    return this.#file.close();
  }
}
