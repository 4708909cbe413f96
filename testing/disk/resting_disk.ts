/**
 * What can be done to the simulated disk while nobody uses it: look, plant files, take them away, flip bits.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import type { FileIdentity } from "../../src/durable_fs.ts";
import { CallGate, failure } from "./call_gate.ts";
import { SimulatedFile } from "./file.ts";
import { FreeSpace } from "./free_space.ts";
import { SimulatedDirectory, SimulatedNames, type SimulatedNode, Special } from "./names.ts";

/** Numbers of files, given when they are first asked for; none is given twice. */
const inodes = new WeakMap<SimulatedNode, number>();
let inodesGiven = 0;

/** The disk at rest. */
export class RestingDisk extends CallGate {
  /**
   * All names and what stands under them.
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

  /** The bytes of a file, without counting as a call; `null` when there is none. */
  peek(path: string): Uint8Array<ArrayBuffer> | null {
    const node = this.names.find(path);
    return node instanceof SimulatedFile ? node.content.toArray() : null;
  }

  /** The paths of all files below `path`, without counting as a call. */
  paths(path: string): string[] {
    const node = this.names.find(path);
    if (!(node instanceof SimulatedDirectory)) return node === undefined ? [] : [path];
    return [...node.entries.keys()].flatMap((name) => this.paths(`${path}/${name}`)).sort();
  }

  /** Whether a file is there on both disks, with the same bytes. */
  holdsSame(path: string, other: RestingDisk): boolean {
    const [mine, theirs] = [this.names.find(path), other.names.find(path)];
    return mine instanceof SimulatedFile && theirs instanceof SimulatedFile &&
      mine.content.equals(theirs.content);
  }

  /** A checksum of all names and bytes: different for different disks, but for one case in 2^32. */
  fingerprint(): number {
    return this.paths("").reduce((sum, path) => {
      const named = crc32(`${path}\n`, sum);
      const node = this.names.find(path);
      return node instanceof SimulatedFile ? node.content.fingerprint(named) : named;
    }, 0);
  }

  /** Puts a file (or what is no file) in place, synced, without counting as a call. */
  plant(path: string, content: Uint8Array | Special): void {
    if (content instanceof Special) return this.#put(path, content);
    // A file that is there stays the same one: what has it open sees the bytes change under it.
    const known = this.names.find(path);
    const file = known instanceof SimulatedFile ? known : new SimulatedFile();
    file.become(content);
    this.#put(path, file);
  }

  /** Makes a directory, synced, without counting as a call. */
  plantDirectory(path: string): void {
    this.#put(path, new SimulatedDirectory());
  }

  /** Gives a file one more name, synced, without counting as a call. */
  plantLink(path: string, name: string): void {
    const node = this.names.find(path);
    if (node === undefined) throw failure("ENOENT", "open", path);
    this.#put(name, node);
  }

  /** Takes a file away, without counting as a call. */
  unplant(path: string): void {
    this.#put(path, null);
  }

  /**
   * Which node it is, and how many names it has.
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

  /** Which file or directory a path means. No call that can fail: what is open is in memory. */
  identity(path: string): FileIdentity {
    this.refuseDead();
    const node = this.names.find(path);
    if (node === undefined) throw failure("ENOENT", "open", path);
    return this.identityOf(node);
  }

  /** The path without empty steps; every path is absolute here, and no link leads anywhere. */
  resolve(path: string): Promise<string> {
    return Promise.resolve(
      `/${path.split("/").filter((step) => step !== "" && step !== ".").join("/")}`,
    );
  }

  /** Flips one bit, from 0 to 7, of the byte at `offset` of a file, without counting as a call. */
  flipBit(path: string, offset: number, bit: number): void {
    const bytes = this.peek(path);
    if (bytes === null) throw failure("ENOENT", "open", path);
    bytes[offset]! ^= 1 << bit;
    this.plant(path, bytes);
  }
}
