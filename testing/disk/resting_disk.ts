/**
 * Operations on the simulated disk while it is not in use: read, plant and remove files, flip bits.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import type { FileIdentity } from "../../src/durable_fs.ts";
import { CallGate, failure } from "./call_gate.ts";
import { SimulatedFile } from "./file.ts";
import { FreeSpace } from "./free_space.ts";
import { SimulatedDirectory, SimulatedNames, type SimulatedNode, Special } from "./names.ts";

/** Inode numbers, assigned on first use; no number is used twice. */
const inodes = new WeakMap<SimulatedNode, number>();
let inodesGiven = 0;

/** The disk at rest. */
export class RestingDisk extends CallGate {
  /**
   * All names and what they refer to.
   * @internal
   */
  protected names: SimulatedNames = new SimulatedNames();

  /**
   * Free space.
   * @internal
   */
  protected readonly space: FreeSpace = new FreeSpace();

  /** How many bytes files can still grow by. @default Infinity */
  get spaceLeft(): number {
    return this.space.left;
  }

  set spaceLeft(size: number) {
    this.space.left = size;
  }

  /** Whether overwriting takes space too, as on btrfs, until the next sync of the file. @default false */
  get copyOnWrite(): boolean {
    return this.space.copyOnWrite;
  }

  set copyOnWrite(does: boolean) {
    this.space.copyOnWrite = does;
  }

  /** The bytes of a file; `null` if there is none. Does not count as a call. */
  peek(path: string): Uint8Array<ArrayBuffer> | null {
    const node = this.names.find(path);
    return node instanceof SimulatedFile ? node.content.toArray() : null;
  }

  /** The paths of all files below `path`. Does not count as a call. */
  paths(path: string): string[] {
    const node = this.names.find(path);
    if (!(node instanceof SimulatedDirectory)) return node === undefined ? [] : [path];
    return [...node.entries.keys()].flatMap((name) => this.paths(`${path}/${name}`)).sort();
  }

  /** Whether a file exists on both disks, with the same bytes. */
  holdsSame(path: string, other: RestingDisk): boolean {
    const [mine, theirs] = [this.names.find(path), other.names.find(path)];
    return mine instanceof SimulatedFile && theirs instanceof SimulatedFile &&
      mine.content.equals(theirs.content);
  }

  /** A checksum of all names and bytes: it differs for different disks, except in one case in 2^32. */
  fingerprint(): number {
    return this.paths("").reduce((sum, path) => {
      const named = crc32(`${path}\n`, sum);
      const node = this.names.find(path);
      return node instanceof SimulatedFile ? node.content.fingerprint(named) : named;
    }, 0);
  }

  /** Puts a file, or something that is not a file, in place, synced. Does not count as a call. */
  plant(path: string, content: Uint8Array | Special): void {
    if (content instanceof Special) return this.#put(path, content);
    // An existing file stays the same file: programs that have it open see its bytes change.
    const known = this.names.find(path);
    const file = known instanceof SimulatedFile ? known : new SimulatedFile();
    file.become(content);
    this.#put(path, file);
  }

  /** Creates a directory, synced. Does not count as a call. */
  plantDirectory(path: string): void {
    this.#put(path, new SimulatedDirectory());
  }

  /** Gives a file another name, synced. Does not count as a call. */
  plantLink(path: string, name: string): void {
    const node = this.names.find(path);
    if (node === undefined) throw failure("ENOENT", "open", path);
    this.#put(name, node);
  }

  /** Removes a file. Does not count as a call. */
  unplant(path: string): void {
    this.#put(path, null);
  }

  /**
   * The identity of a node, with its number of names.
   * @internal
   */
  protected identityOf(node: SimulatedNode): FileIdentity {
    const inode = inodes.get(node) ?? inodes.set(node, ++inodesGiven).get(node)!;
    return { device: 1, inode, links: this.names.linksOf(node) };
  }

  #put(path: string, node: SimulatedNode | null): void {
    const place = this.names.place(path);
    this.names.put(place, node);
    if (node instanceof SimulatedFile) node.sync();
    this.names.sync(place.directory);
  }

  /** The identity of the file or directory at a path. This call can't fail: what is open is in memory. */
  identity(path: string): FileIdentity {
    this.refuseDead();
    const node = this.names.find(path);
    if (node === undefined) throw failure("ENOENT", "open", path);
    return this.identityOf(node);
  }

  /** The path without empty steps. Every path is absolute here, and there are no links to follow. */
  resolve(path: string): Promise<string> {
    return Promise.resolve(
      `/${path.split("/").filter((step) => step !== "" && step !== ".").join("/")}`,
    );
  }

  /** Flips one bit, from 0 to 7, of the byte at `offset` of a file. Does not count as a call. */
  flipBit(path: string, offset: number, bit: number): void {
    const bytes = this.peek(path);
    if (bytes === null) throw failure("ENOENT", "open", path);
    bytes[offset]! ^= 1 << bit;
    this.plant(path, bytes);
  }
}
