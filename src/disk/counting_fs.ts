/**
 * A file system that counts what is written through it. It answers synchronously where the file system beneath it does.
 *
 * @module
 */

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
import { noWrites, PAGE_SIZE, type WriteCounts } from "../format/write_totals.ts";

/** Passes everything on; writes and syncs are counted. */
export class CountingFs implements DurableFs {
  readonly #fs: DurableFs;
  /** The counts so far. */
  readonly written: WriteCounts = noWrites();
  readonly crc32: DurableFs["crc32"];

  constructor(fs: DurableFs) {
    this.#fs = fs;
    this.crc32 = fs.crc32;
  }

  async open(path: string, mode: OpenMode): Promise<DurableFile> {
    const file = await this.#fs.open(path, mode);
    return mode === "read" ? file : new CountingFile(file, this.written);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#fs.rename(from, to);
  }

  remove(path: string): Promise<void> {
    return this.#fs.remove(path);
  }

  list(path: string): Promise<DirectoryEntry[]> {
    return this.#fs.list(path);
  }

  makeDirectory(path: string): Promise<void> {
    return this.#fs.makeDirectory(path);
  }

  syncDirectory(path: string): Promise<void> {
    this.written.syncs++;
    return this.#fs.syncDirectory(path);
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

class CountingFile implements DurableFile {
  readonly #file: DurableFile;
  readonly #written: WriteCounts;
  /**
   * The range of pages written since the last sync, end exclusive. Writing to them again costs the card nothing extra.
   */
  #dirtyFrom = 0;
  #dirtyTo = 0;

  constructor(file: DurableFile, written: WriteCounts) {
    this.#file = file;
    this.#written = written;
  }

  read(buffer: Uint8Array, offset: number): MaybePromise<number> {
    return this.#file.read(buffer, offset);
  }

  write(buffer: Uint8Array, offset: number): MaybePromise<number> {
    const taken = this.#file.write(buffer, offset);
    if (typeof taken === "number") return this.#took(taken, offset);
    return taken.then((size) => this.#took(size, offset));
  }

  #took(size: number, offset: number): number {
    const written = this.#written;
    written.writes++;
    written.bytes += size;
    const from = Math.floor(offset / PAGE_SIZE);
    const to = Math.ceil((offset + size) / PAGE_SIZE);
    const again = Math.min(to, this.#dirtyTo) - Math.max(from, this.#dirtyFrom);
    written.cardBytes += (to - from - Math.max(0, again)) * PAGE_SIZE;
    // Disjoint writes are rare, so only the latest range is remembered.
    this.#dirtyFrom = again < 0 ? from : Math.min(from, this.#dirtyFrom);
    this.#dirtyTo = again < 0 ? to : Math.max(to, this.#dirtyTo);
    return size;
  }

  syncData(): MaybePromise<void> {
    this.#synced();
    return this.#file.syncData();
  }

  syncAll(): MaybePromise<void> {
    this.#synced();
    return this.#file.syncAll();
  }

  #synced(): void {
    this.#dirtyFrom = this.#dirtyTo = 0;
    this.#written.syncs++;
  }

  truncate(size: number): MaybePromise<void> {
    const cutting = this.#file.truncate(size);
    if (cutting === undefined) return this.#cut(size);
    return cutting.then(() => this.#cut(size));
  }

  /** Bytes cut off before a sync never reach the card. */
  #cut(size: number): void {
    const to = Math.max(this.#dirtyFrom, Math.ceil(size / PAGE_SIZE));
    if (to >= this.#dirtyTo) return;
    this.#written.cardBytes -= (this.#dirtyTo - to) * PAGE_SIZE;
    this.#dirtyTo = to;
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
