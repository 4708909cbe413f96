/**
 * Operations on the simulated disk while it is not in use: read, plant and remove files, flip bits.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import type { FileIdentity } from "../../src/durable_fs.ts";
import { DiskCalls, failure } from "./disk_calls.ts";
import { SimulatedFile } from "./file.ts";
import { FreeSpace } from "./free_space.ts";
import { SimulatedDirectory, SimulatedNames, type SimulatedNode, SpecialFile } from "./names.ts";

/** Inode numbers, assigned on first use; no number is used twice. */
const inodes = new WeakMap<SimulatedNode, number>();
let inodesGiven = 0;

/**
 * What a disk holds: the part of `PowerCutDisk` that looks at it and changes it while no program uses it.
 *
 * @example Prepare a disk and look at it
 * ```ts
 * import { PowerCutDisk } from "@ministate/ministate/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const disk = new PowerCutDisk();
 * disk.plantDirectory("/state");
 * disk.plant("/state/file", new Uint8Array([1, 2, 3]));
 * assertEquals(disk.paths("/state"), ["/state/file"]);
 * assertEquals(disk.peek("/state/file"), new Uint8Array([1, 2, 3]));
 * assertEquals(disk.calls, 0); // none of this counts as a call
 * ```
 */
export class DiskContents extends DiskCalls {
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

  /**
   * The bytes of a file; `null` if there is none. Does not count as a call.
   *
   * @example Read a file
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * assertEquals(disk.peek("/file"), null);
   * disk.plant("/file", new Uint8Array([1, 2, 3]));
   * assertEquals(disk.peek("/file"), new Uint8Array([1, 2, 3]));
   * ```
   */
  peek(path: string): Uint8Array<ArrayBuffer> | null {
    const node = this.names.find(path);
    return node instanceof SimulatedFile ? node.content.toArray() : null;
  }

  /**
   * The paths of all files below `path`. Does not count as a call.
   *
   * @example List all files
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * disk.plantDirectory("/state");
   * disk.plant("/state/b", new Uint8Array());
   * disk.plant("/state/a", new Uint8Array());
   * assertEquals(disk.paths("/state"), ["/state/a", "/state/b"]);
   * ```
   */
  paths(path: string): string[] {
    const node = this.names.find(path);
    if (!(node instanceof SimulatedDirectory)) return node === undefined ? [] : [path];
    return [...node.entries.keys()].flatMap((name) => this.paths(`${path}/${name}`)).sort();
  }

  /**
   * Whether a file exists on both disks, with the same bytes.
   *
   * @example Compare a file on two disks
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * disk.plant("/file", new Uint8Array([1, 2, 3]));
   * const other = disk.image();
   * assertEquals(disk.holdsSame("/file", other), true);
   * other.flipBit("/file", 0, 0);
   * assertEquals(disk.holdsSame("/file", other), false);
   * ```
   */
  holdsSame(path: string, other: DiskContents): boolean {
    const [mine, theirs] = [this.names.find(path), other.names.find(path)];
    return mine instanceof SimulatedFile && theirs instanceof SimulatedFile &&
      mine.content.equals(theirs.content);
  }

  /**
   * A checksum of all names and bytes: it differs for different disks, except in one case in 2^32.
   *
   * @example Compare two disks
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals, assertNotEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * disk.plant("/file", new Uint8Array([1, 2, 3]));
   * const other = disk.image();
   * assertEquals(other.fingerprint(), disk.fingerprint());
   * other.unplant("/file");
   * assertNotEquals(other.fingerprint(), disk.fingerprint());
   * ```
   */
  fingerprint(): number {
    return this.paths("").reduce((sum, path) => {
      const nameSum = crc32(`${path}\n`, sum);
      const node = this.names.find(path);
      return node instanceof SimulatedFile ? node.content.fingerprint(nameSum) : nameSum;
    }, 0);
  }

  /**
   * Puts a file, or something that is not a file, in place, synced. Does not count as a call.
   *
   * @example Put a file in place
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * disk.plant("/file", new Uint8Array([1, 2, 3]));
   * const file = await disk.open("/file", "read");
   * assertEquals(await file.size(), 3);
   * await file.close();
   * ```
   */
  plant(path: string, content: Uint8Array | SpecialFile): void {
    if (content instanceof SpecialFile) return this.#put(path, content);
    // An existing file stays the same file: programs that have it open see its bytes change.
    const existing = this.names.find(path);
    const file = existing instanceof SimulatedFile ? existing : new SimulatedFile();
    file.become(content);
    this.#put(path, file);
  }

  /**
   * Creates a directory, synced. Does not count as a call.
   *
   * @example Put a directory in place
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * disk.plantDirectory("/state");
   * assertEquals(await disk.list("/"), [{ name: "state", kind: "directory" }]);
   * ```
   */
  plantDirectory(path: string): void {
    this.#put(path, new SimulatedDirectory());
  }

  /**
   * Gives a file another name, synced. Does not count as a call.
   *
   * @example Give a file a second name
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * disk.plant("/file", new Uint8Array([1, 2, 3]));
   * disk.plantLink("/file", "/other");
   * assertEquals(disk.identity("/other").inode, disk.identity("/file").inode);
   * assertEquals(disk.identity("/file").links, 2);
   * ```
   */
  plantLink(path: string, name: string): void {
    const node = this.names.find(path);
    if (node === undefined) throw failure("ENOENT", "open", path);
    this.#put(name, node);
  }

  /**
   * Removes a file. Does not count as a call.
   *
   * @example Lose a file
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * disk.plant("/file", new Uint8Array([1, 2, 3]));
   * disk.unplant("/file");
   * assertEquals(disk.peek("/file"), null);
   * ```
   */
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

  /**
   * The identity of the file or directory at a path. This call can't fail: what is open is in memory.
   *
   * @example Count the names of a file
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * disk.plant("/file", new Uint8Array([1, 2, 3]));
   * assertEquals(disk.identity("/file").links, 1);
   * ```
   */
  identity(path: string): FileIdentity {
    this.refuseDead();
    const node = this.names.find(path);
    if (node === undefined) throw failure("ENOENT", "open", path);
    return this.identityOf(node);
  }

  /**
   * The path without empty steps. Every path is absolute here, and there are no links to follow.
   *
   * @example Resolve a path
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * assertEquals(await disk.resolve("state//./log"), "/state/log");
   * ```
   */
  resolve(path: string): Promise<string> {
    return Promise.resolve(
      `/${path.split("/").filter((step) => step !== "" && step !== ".").join("/")}`,
    );
  }

  /**
   * Flips one bit, from 0 to 7, of the byte at `offset` of a file. Does not count as a call.
   *
   * @example Let a byte rot
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * disk.plant("/file", new Uint8Array([1, 2, 3]));
   * disk.flipBit("/file", 2, 0);
   * assertEquals(disk.peek("/file"), new Uint8Array([1, 2, 2]));
   * ```
   */
  flipBit(path: string, offset: number, bit: number): void {
    const bytes = this.peek(path);
    if (bytes === null) throw failure("ENOENT", "open", path);
    bytes[offset]! ^= 1 << bit;
    this.plant(path, bytes);
  }
}
