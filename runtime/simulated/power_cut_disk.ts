/**
 * A `DurableFs` in memory that can lose power, fail and fill up. The fault model:
 *
 * A file is a synced image and the writes and truncations since. A power cut (`powerCut`) makes a new disk on which
 * each of these was lost, was kept, or was torn: of a torn write each 512-byte sector arrived or did not, whatever
 * happened to those before or behind it. The file's size is the synced one, the latest, or one in between; space
 * that grew without its bytes holds zeros, rubbish, or what stood there before. A directory is its synced entries and
 * the names made, renamed and removed since; each of these is kept or lost by itself. A rename is whole or not there;
 * one between directories can leave the file under both names until the old directory is synced. Locks are free.
 *
 * A crash (`crash`) ends the process only: the page cache lives, nothing becomes durable by it, locks are free.
 *
 * Calls are counted from 1. `cutAt` ends the program at one call: that call and all later ones throw `PowerCut`; a
 * write or a change of names may still have reached the disk by then, a sync has promised nothing. `fault` makes
 * calls fail: with an error, or with a short count. A write that fails may have taken part of its bytes. A sync that
 * fails drops the pages it should have written: they stay readable and count as clean, so that syncing again reports
 * success and writes nothing. `spaceLeft` is a full disk: growing takes from it, a write that doesn't fit is short
 * first and fails with ENOSPC then.
 *
 * Not modelled: bits that flip at rest (tests flip them with `edit`), and permissions.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import type {
  DirectoryEntry,
  DurableFile,
  DurableFs,
  DurableLock,
  OpenMode,
} from "../../src/durable_fs.ts";
import { type CutChoice, SimulatedFile } from "./file.ts";
import { SimulatedDirectory, SimulatedNames, type SimulatedNode, Special } from "./names.ts";
import { CallGate, failure, type Fault, type Operation } from "./call_gate.ts";
import { Random } from "./random.ts";

/** The file system in memory. */
export class PowerCutDisk extends CallGate implements DurableFs {
  readonly #names: SimulatedNames;
  readonly #locked = new Set<SimulatedNode>();
  readonly #random: Random;
  /** How many bytes files can still grow by. */
  spaceLeft = Infinity;

  constructor(names: SimulatedNames = new SimulatedNames(), seed = 1) {
    super();
    this.#names = names;
    this.#random = new Random(seed);
  }

  /** The disk as the next boot finds it. This one is dead from now on. */
  powerCut(choice: CutChoice, random: Random): PowerCutDisk {
    this.dead = true;
    return new PowerCutDisk(this.#names.afterCut(choice, random), random.below(2 ** 32));
  }

  /** The disk as the next process finds it, with the page cache as it is. This one is dead from now on. */
  crash(): PowerCutDisk {
    this.dead = true;
    return new PowerCutDisk(this.#names.copy(), this.calls + 1);
  }

  /** Another disk in the same condition. */
  image(): PowerCutDisk {
    return new PowerCutDisk(this.#names.copy());
  }

  /** The bytes of a file, without counting as a call; `null` when there is none. */
  peek(path: string): Uint8Array | null {
    const node = this.#find(path);
    return node instanceof SimulatedFile ? node.bytes.slice() : null;
  }

  /** The paths of all files below `path`, without counting as a call. */
  paths(path: string): string[] {
    const node = this.#find(path);
    if (!(node instanceof SimulatedDirectory)) return node === undefined ? [] : [path];
    return [...node.entries.keys()].flatMap((name) => this.paths(`${path}/${name}`)).sort();
  }

  /** Puts a file in place, synced, without counting as a call: for damage at rest. */
  plant(path: string, bytes: Uint8Array | Special): void {
    const { directory, name } = this.#parent(path);
    const node = bytes instanceof Special ? bytes : new SimulatedFile();
    if (node instanceof SimulatedFile) {
      node.write(bytes as Uint8Array, 0);
      node.sync();
    }
    this.#names.change([{ directory, name, node }]);
    this.#names.sync(directory);
  }

  /** Makes a directory, synced, without counting as a call. */
  plantDirectory(path: string): void {
    const { directory, name } = this.#parent(path);
    this.#names.change([{ directory, name, node: new SimulatedDirectory() }]);
    this.#names.sync(directory);
  }

  /** Takes a file away, without counting as a call. */
  unplant(path: string): void {
    const { directory, name } = this.#parent(path);
    this.#names.change([{ directory, name, node: null }]);
    this.#names.sync(directory);
  }

  // deno-lint-ignore require-await -- async, so that failures reject
  async open(path: string, mode: OpenMode): Promise<DurableFile> {
    if (mode !== "create") {
      this.enter("open", path);
      const node = this.#find(path);
      if (node === undefined) throw failure("ENOENT", "open", path);
      return this.#handle(refuseIrregular(node, path), path);
    }
    const { directory, name } = this.#parent(path);
    const file = new SimulatedFile();
    const make = () => {
      if (!directory.entries.has(name)) this.#names.change([{ directory, name, node: file }]);
    };
    this.enter("create", path, make);
    if (directory.entries.has(name)) throw failure("EEXIST", "open", path);
    make();
    return this.#handle(file, path);
  }

  #handle(file: SimulatedFile, path: string): DurableFile {
    let open = true;
    const enter = (
      operation: Operation,
      change?: () => void,
      partial?: (how: Fault["how"]) => void,
    ) => {
      if (!open && !this.dead) throw failure("EBADF", operation, path);
      return this.enter(operation, path, change, partial);
    };
    const sync = (operation: "syncData" | "syncAll") => {
      enter(operation, undefined, () => file.failSync(this.#random));
      file.sync();
    };
    // Promises throughout, so that a rejection nobody awaits is seen as one.
    return {
      // deno-lint-ignore require-await
      read: async (buffer, offset) => {
        const short = enter("read");
        return file.read(short ? buffer.subarray(0, part(buffer.length)) : buffer, offset);
      },
      // deno-lint-ignore require-await
      write: async (buffer, offset) => {
        const half = buffer.subarray(0, part(buffer.length));
        const short = enter(
          "write",
          () => file.write(buffer, offset),
          () => file.write(half, offset),
        );
        const bytes = this.#takeSpace(file, short ? half : buffer, offset, path);
        file.write(bytes, offset);
        return bytes.length;
      },
      // deno-lint-ignore require-await
      syncData: async () => sync("syncData"),
      // deno-lint-ignore require-await
      syncAll: async () => sync("syncAll"),
      // deno-lint-ignore require-await
      truncate: async (size) => {
        enter("truncate", () => file.truncate(size));
        this.spaceLeft += Math.max(0, file.size - size);
        file.truncate(size);
      },
      // deno-lint-ignore require-await
      size: async () => {
        enter("size");
        return file.size;
      },
      // deno-lint-ignore require-await
      close: async () => {
        // The descriptor is gone, even when closing it reports a failure.
        enter("close", undefined, () => open = false);
        open = false;
      },
    };
  }

  #takeSpace(file: SimulatedFile, bytes: Uint8Array, offset: number, path: string): Uint8Array {
    const growth = Math.max(0, offset + bytes.length - file.size);
    if (growth <= this.spaceLeft) {
      this.spaceLeft -= growth;
      return bytes;
    }
    const fits = bytes.length - growth + this.spaceLeft;
    if (fits <= 0) throw failure("ENOSPC", "write", path);
    this.spaceLeft = 0;
    return bytes.subarray(0, fits);
  }

  // deno-lint-ignore require-await
  async rename(from: string, to: string): Promise<void> {
    const change = () => {
      const source = this.#parent(from), target = this.#parent(to);
      const node = source.directory.entries.get(source.name);
      if (node === undefined) throw failure("ENOENT", "rename", from);
      this.#names.change([{ ...source, node: null }, { ...target, node }]);
    };
    // A rename that reports a failure may have been done.
    this.enter("rename", `${from} ${to}`, change, (how) => {
      if (how === "EIO" && this.#random.chance(0.5)) change();
    });
    change();
  }

  // deno-lint-ignore require-await
  async remove(path: string): Promise<void> {
    const change = () => {
      const { directory, name } = this.#parent(path);
      const node = directory.entries.get(name);
      if (node === undefined) throw failure("ENOENT", "remove", path);
      if (node instanceof SimulatedDirectory) throw failure("EISDIR", "remove", path);
      if (node instanceof SimulatedFile) this.spaceLeft += node.size;
      this.#names.change([{ directory, name, node: null }]);
    };
    this.enter("remove", path, change);
    change();
  }

  // deno-lint-ignore require-await
  async list(path: string): Promise<DirectoryEntry[]> {
    this.enter("list", path);
    return [...this.#directory(path, "list").entries].map(([name, node]) => ({
      name,
      kind: node instanceof SimulatedFile
        ? "file"
        : node instanceof SimulatedDirectory
        ? "directory"
        : "other",
    }));
  }

  // deno-lint-ignore require-await
  async makeDirectory(path: string): Promise<void> {
    const change = () => {
      const { directory, name } = this.#parent(path);
      const node = directory.entries.get(name);
      if (node instanceof SimulatedDirectory) return;
      if (node !== undefined) throw failure("EEXIST", "makeDirectory", path);
      this.#names.change([{ directory, name, node: new SimulatedDirectory() }]);
    };
    this.enter("makeDirectory", path, change);
    if (this.#find(path) === this.#names.root) return;
    change();
  }

  // deno-lint-ignore require-await
  async syncDirectory(path: string): Promise<void> {
    this.enter("syncDirectory", path);
    this.#names.sync(this.#directory(path, "syncDirectory"));
  }

  // deno-lint-ignore require-await
  async lock(path: string): Promise<DurableLock | null> {
    const make = () => {
      const { directory, name } = this.#parent(path);
      if (directory.entries.has(name)) return;
      this.#names.change([{ directory, name, node: new SimulatedFile() }]);
    };
    this.enter("lock", path, make);
    make();
    const file = refuseIrregular(this.#find(path)!, path);
    if (this.#locked.has(file)) return null;
    this.#locked.add(file);
    return {
      release: () => {
        this.#locked.delete(file);
        this.enter("release", path);
      },
    };
  }

  crc32(bytes: Uint8Array, seed: number): number {
    return crc32(bytes, seed);
  }

  #find(path: string): SimulatedNode | undefined {
    let node: SimulatedNode | undefined = this.#names.root;
    for (const step of path.split("/")) {
      if (step === "" || step === ".") continue;
      if (!(node instanceof SimulatedDirectory)) throw failure("ENOTDIR", "open", path);
      node = node.entries.get(step);
      if (node === undefined) return undefined;
    }
    return node;
  }

  #directory(path: string, operation: Operation): SimulatedDirectory {
    const node = this.#find(path);
    if (node === undefined) throw failure("ENOENT", operation, path);
    if (!(node instanceof SimulatedDirectory)) throw failure("ENOTDIR", operation, path);
    return node;
  }

  #parent(path: string): { directory: SimulatedDirectory; name: string } {
    const slash = path.lastIndexOf("/");
    return {
      directory: this.#directory(path.slice(0, Math.max(slash, 0)), "open"),
      name: path.slice(slash + 1),
    };
  }
}

function part(size: number): number {
  return Math.max(1, size >> 1);
}

function refuseIrregular(node: SimulatedNode, path: string): SimulatedFile {
  if (node instanceof SimulatedFile) return node;
  if (node instanceof SimulatedDirectory) throw failure("EISDIR", "open", path);
  throw failure(node.kind === "link" ? "ELOOP" : "EINVAL", "open", path);
}
