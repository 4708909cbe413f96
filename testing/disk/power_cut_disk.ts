/**
 * A `DurableFs` in memory that can lose power, fail, fill up, slow down and rot. The fault model:
 *
 * **Power cuts** (`powerCut`). A file is its synced bytes plus the writes and truncations since. A power cut leaves
 * each of these lost, kept or torn, independently and in any order. Of a torn write, each 512-byte sector arrived or
 * did not, whatever happened to those before or after it. The file's size is the synced one, the latest, or one in
 * between. Space that grew without its bytes holds zeros, rubbish, or what stood there before it was cut off. A
 * directory is its synced entries plus the names created, renamed and removed since. Each of these is kept or lost
 * independently. A rename happens completely or not at all, but one between directories can leave the file under both
 * names until the old directory is synced. By default a rename may reach the disk before the renamed file's bytes do;
 * the rule `renames: "ordered"` is for file systems that never let that happen. The rule `entries: "blank"` is for FAT,
 * which stores a file's start and size beside its name: until the file is synced after it got a name, that name leads
 * to an empty file or to the file that it replaced. Locks are free afterwards. `cutAt` ends the program at a call: that
 * call and all later ones throw `PowerCutError`. A write or a change of names may still have reached the disk by then;
 * a sync has promised nothing.
 *
 * **Crashes** (`crash`) end only the process: the page cache survives, nothing becomes durable, and locks are free.
 *
 * **Faults** (`fault`) affect one call, or all from there on: `EIO`, with the call done or not, `ENOSPC`, half of the
 * bytes asked for, a garbled write. A write that fails with `EIO` may have written part of its bytes. A sync that fails
 * drops the pages it should have written: they stay readable and count as clean, so another sync reports success and
 * writes nothing. `spaceLeft` simulates a full disk. Growing takes from it; a write that doesn't fit is first short and
 * then fails with `ENOSPC`. With `copyOnWrite`, overwriting takes from it too. `syncDelayMs` simulates a slow disk:
 * what was written before a sync began is durable when it returns; what was written during it is not.
 *
 * **Answers** of open files, including failures, come synchronously from three disks in four, otherwise as promises:
 * the seed decides.
 *
 * **Bit rot** (`flipBit`, `plant`, `unplant`) changes data at rest.
 *
 * Not modelled: permissions, disks that lie about syncs (every program loses data on these), and that FAT can free the
 * replaced file of a rename before the new one is under its name.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import type {
  DirectoryEntry,
  DurableFile,
  DurableFs,
  DurableLock,
  MaybePromise,
  OpenMode,
} from "../../src/durable_fs.ts";
import { halfOf } from "./bytes.ts";
import { type DiskCall, failure, type Fault, later } from "./disk_calls.ts";
import type { Chooser } from "./chooser.ts";
import { SimulatedFile } from "./file.ts";
import { kindOf, refuseIrregular } from "./kinds.ts";
import {
  type NameSlot,
  SimulatedDirectory,
  type SimulatedNames,
  type SimulatedNode,
} from "./names.ts";
import type { PowerCut } from "./power_cut.ts";
import { Random } from "./random.ts";
import { DiskContents } from "./disk_contents.ts";

/**
 * A disk in memory that loses power, fails and rots on request. Paths begin at `/`, which exists and is empty.
 *
 * @example Lose what was not synced
 * ```ts
 * import { PowerCutDisk, Random } from "@ministate/ministate/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const disk = new PowerCutDisk();
 * const file = await disk.open("/file", "create");
 * await file.write(new Uint8Array([1, 2, 3]), 0);
 * await file.syncAll();
 * await file.write(new Uint8Array([4]), 3); // not synced
 * await disk.syncDirectory("/");
 *
 * const next = disk.powerCut(
 *   { writes: "lost", names: "lost", sizes: "old", grown: "zeros" },
 *   new Random(1),
 * );
 * assertEquals(next.peek("/file"), new Uint8Array([1, 2, 3]));
 * ```
 */
export class PowerCutDisk extends DiskContents implements DurableFs {
  readonly #locked = new Set<SimulatedNode>();
  readonly #random: Random;
  /** Whether open files answer synchronously where they can. */
  readonly #atOnce: boolean;
  /** How often the clock was looked at. */
  #looks = 0;
  /** How many milliseconds a sync of a file takes. @default 0 */
  syncDelayMs: number = 0;

  /**
   * Makes an empty disk.
   *
   * @param seed decides how calls are answered and fail where there is more than one way: synchronously or not, how
   * much a failing sync still writes, …
   */
  constructor(seed: number = 1) {
    super();
    this.#random = new Random(seed);
    this.#atOnce = seed % 4 > 0;
  }

  static #over(names: SimulatedNames, seed: number): PowerCutDisk {
    const disk = new PowerCutDisk(seed);
    disk.names = names;
    return disk;
  }

  /**
   * The disk as the next boot finds it. This disk is dead from now on, but its power can also be cut in other ways.
   *
   * @example Cut the power, as a seed decides
   * ```ts
   * import { ANY_POWER_CUT, PowerCutDisk, Random } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * const file = await disk.open("/file", "create");
   * await file.write(new Uint8Array([1, 2, 3]), 0);
   *
   * const next = disk.powerCut(ANY_POWER_CUT, new Random(1));
   * const same = disk.powerCut(ANY_POWER_CUT, new Random(1));
   * assertEquals(same.fingerprint(), next.fingerprint());
   * ```
   */
  powerCut(rules: PowerCut, chooser: Chooser): PowerCutDisk {
    this.dead = true;
    return PowerCutDisk.#over(this.names.afterCut(rules, chooser), this.calls + 1);
  }

  /**
   * The disk as the next process finds it, with the same page cache. This disk is dead from now on.
   *
   * @example Kill the process: unsynced bytes stay
   * ```ts
   * import { PowerCutDisk, PowerCutError } from "@ministate/ministate/testing";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * const file = await disk.open("/file", "create");
   * await file.write(new Uint8Array([1, 2, 3]), 0);
   *
   * const next = disk.crash();
   * assertEquals(next.peek("/file"), new Uint8Array([1, 2, 3]));
   * await assertRejects(() => disk.list("/"), PowerCutError); // the old process is gone
   * ```
   */
  crash(): PowerCutDisk {
    this.dead = true;
    return this.image();
  }

  /**
   * Another disk in the same condition, not in use.
   *
   * @example Try something on a copy
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * disk.plant("/file", new Uint8Array([1, 2, 3]));
   * const copy = disk.image();
   * await copy.remove("/file");
   * assertEquals([disk.paths("/").length, copy.paths("/").length], [1, 0]);
   * ```
   */
  image(): PowerCutDisk {
    return PowerCutDisk.#over(this.names.copy(), this.calls + 1);
  }

  /**
   * Opens a file.
   *
   * @example Create, write, sync
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * const file = await disk.open("/file", "create");
   * await file.write(new Uint8Array([1, 2, 3]), 0);
   * await file.syncAll();
   * await file.close();
   * await disk.syncDirectory("/"); // the name, too
   * assertEquals(disk.peek("/file"), new Uint8Array([1, 2, 3]));
   * ```
   */
  // deno-lint-ignore require-await -- async, so that failures reject
  async open(path: string, mode: OpenMode): Promise<DurableFile> {
    if (mode !== "create") {
      this.enter("open", path);
      const node = this.names.find(path);
      if (node === undefined) throw failure("ENOENT", "open", path);
      return this.#handle(refuseIrregular(node, path), path);
    }
    const place = this.names.place(path);
    const file = new SimulatedFile();
    const make = () => {
      if (!place.directory.entries.has(place.name)) this.names.put(place, file);
    };
    this.enter("create", path, make);
    if (place.directory.entries.has(place.name)) throw failure("EEXIST", "open", path);
    make();
    return this.#handle(file, path);
  }

  #handle(file: SimulatedFile, path: string): DurableFile {
    let open = true;
    const enter = (
      operation: DiskCall,
      change?: () => void,
      partial?: (how: Fault["how"]) => void,
    ) => {
      if (!open && !this.dead) throw failure("EBADF", operation, path);
      return this.enter(operation, path, change, partial);
    };
    const sync = (operation: "syncData" | "syncAll") => {
      const until = file.operationCount;
      const fail = () => file.failSync(until, this.#random);
      return this.#sync(file, until, () => enter(operation, undefined, fail));
    };
    return {
      read: (buffer, offset) =>
        this.#answer(() => {
          const wrong = enter("read");
          return file.read(wrong === "short" ? halfOf(buffer) : buffer, offset);
        }),
      write: (buffer, offset) =>
        this.#answer(() => {
          const wrong = enter(
            "write",
            () => file.write(buffer, offset),
            // A write that finds no space has written nothing: as everywhere, it is short first.
            (how) => how !== "ENOSPC" && file.write(halfOf(buffer), offset),
          );
          const wanted = wrong === "short" ? halfOf(buffer) : buffer;
          const bytes = this.space.take(file, wanted, offset, path);
          file.write(wrong === "garbled" ? this.#garbled(bytes) : bytes, offset);
          return bytes.length;
        }),
      syncData: () => sync("syncData"),
      syncAll: () => sync("syncAll"),
      truncate: (size) =>
        this.#answer(() => {
          enter("truncate", () => file.truncate(size));
          this.space.cut(file, size, path);
          file.truncate(size);
        }),
      size: () =>
        this.#answer(() => {
          enter("size");
          return file.size;
        }),
      identity: () =>
        this.#answer(() => {
          this.refuseDead();
          return this.identityOf(file);
        }),
      close: () =>
        this.#answer(() => {
          // The descriptor is gone even if closing it reports a failure.
          enter("close", undefined, () => open = false);
          open = false;
        }),
    };
  }

  #answer<T>(call: () => T): MaybePromise<T> {
    return this.#atOnce ? call() : later(call);
  }

  /** Makes the operations up to number `until` durable; `begin` counts the call and may fail it. */
  #sync(file: SimulatedFile, until: number, begin: () => void): MaybePromise<void> {
    const end = () => {
      file.sync(until);
      this.space.synced(file);
    };
    if (this.syncDelayMs === 0) {
      return this.#answer(() => {
        begin();
        end();
      });
    }
    return later(async () => {
      begin();
      await new Promise((resolve) => setTimeout(resolve, this.syncDelayMs));
      this.refuseDead();
      end();
    });
  }

  #garbled(bytes: Uint8Array): Uint8Array {
    const garbled = bytes.slice();
    garbled[this.#random.below(garbled.length)]! ^= 1 << this.#random.below(8);
    return garbled;
  }

  /**
   * Renames a file; durable once the directories are synced.
   *
   * @example Rename, durably
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * disk.plant("/a", new Uint8Array([1, 2, 3]));
   * await disk.rename("/a", "/b");
   * await disk.syncDirectory("/");
   * assertEquals([disk.peek("/a"), disk.peek("/b")?.length], [null, 3]);
   * ```
   */
  // deno-lint-ignore require-await
  async rename(from: string, to: string): Promise<void> {
    const change = () => {
      const source = this.names.place(from), target = this.names.place(to);
      const node = source.directory.entries.get(source.name);
      if (node === undefined) throw failure("ENOENT", "rename", from);
      this.names.move(source, target, node);
    };
    this.enter("rename", `${from} ${to}`, change);
    change();
  }

  /**
   * Removes a file; durable once its directory is synced.
   *
   * @example Remove, durably
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * disk.plant("/file", new Uint8Array([1, 2, 3]));
   * await disk.remove("/file");
   * await disk.syncDirectory("/");
   * assertEquals(await disk.list("/"), []);
   * ```
   */
  // deno-lint-ignore require-await
  async remove(path: string): Promise<void> {
    const change = () => {
      const place = this.names.place(path);
      const node = place.directory.entries.get(place.name);
      if (node === undefined) throw failure("ENOENT", "remove", path);
      if (node instanceof SimulatedDirectory) throw failure("EISDIR", "remove", path);
      if (node instanceof SimulatedFile) this.space.remove(node);
      this.names.put(place, null);
    };
    this.enter("remove", path, change);
    change();
  }

  /**
   * Lists a directory.
   *
   * @example List a directory
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * disk.plant("/file", new Uint8Array([1, 2, 3]));
   * assertEquals(await disk.list("/"), [{ name: "file", kind: "file" }]);
   * ```
   */
  // deno-lint-ignore require-await
  async list(path: string): Promise<DirectoryEntry[]> {
    this.enter("list", path);
    return [...this.names.directory(path).entries].map(([name, node]) => ({
      name,
      kind: kindOf(node),
    }));
  }

  /**
   * Creates a directory; an existing one is not an error.
   *
   * @example Create a directory
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * await disk.makeDirectory("/state");
   * await disk.makeDirectory("/state"); // no error
   * assertEquals(await disk.list("/"), [{ name: "state", kind: "directory" }]);
   * ```
   */
  // deno-lint-ignore require-await
  async makeDirectory(path: string): Promise<void> {
    const change = () => {
      const node = this.names.find(path);
      if (node instanceof SimulatedDirectory) return;
      if (node !== undefined) throw failure("EEXIST", "makeDirectory", path);
      this.names.put(this.names.place(path), new SimulatedDirectory());
    };
    this.enter("makeDirectory", path, change);
    change();
  }

  /**
   * Makes every name in a directory durable.
   *
   * @example Keep a new name over a power cut
   * ```ts
   * import { PowerCutDisk, Random } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * await disk.makeDirectory("/kept");
   * await disk.syncDirectory("/");
   * await disk.makeDirectory("/lost");
   *
   * const next = disk.powerCut(
   *   { writes: "lost", names: "lost", sizes: "old", grown: "zeros" },
   *   new Random(1),
   * );
   * assertEquals(await next.list("/"), [{ name: "kept", kind: "directory" }]);
   * ```
   */
  // deno-lint-ignore require-await
  async syncDirectory(path: string): Promise<void> {
    this.enter("syncDirectory", path);
    this.names.sync(this.names.directory(path));
  }

  /**
   * Takes an exclusive lock on a file; `null` when another holder has it.
   *
   * @example Keep a second writer out
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * const lock = await disk.lock("/lock");
   * assertEquals(await disk.lock("/lock"), null);
   * lock?.release();
   * assertEquals(await disk.lock("/lock") !== null, true);
   * ```
   */
  // deno-lint-ignore require-await
  async lock(path: string, directory?: string): Promise<DurableLock | null> {
    const place: NameSlot = this.names.place(path);
    const make = () => {
      if (!place.directory.entries.has(place.name)) this.names.put(place, new SimulatedFile());
    };
    this.enter("lock", path, make);
    make();
    const file = refuseIrregular(place.directory.entries.get(place.name)!, path);
    const more = directory === undefined ? [] : [this.names.directory(directory)];
    return this.#hold(path, [file, ...more]);
  }

  /**
   * Takes an exclusive lock on only a directory; `null` when another holder has it.
   *
   * @example Lock a directory
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * const lock = await disk.lockDirectory("/");
   * assertEquals(await disk.lockDirectory("/"), null);
   * lock?.release();
   * ```
   */
  // deno-lint-ignore require-await
  async lockDirectory(path: string): Promise<DurableLock | null> {
    this.enter("lock", path);
    return this.#hold(path, [this.names.directory(path)]);
  }

  #hold(path: string, wanted: [SimulatedNode, ...SimulatedNode[]]): DurableLock | null {
    if (wanted.some((node) => this.#locked.has(node))) return null;
    for (const node of wanted) this.#locked.add(node);
    return {
      identity: () => this.identityOf(wanted[0]),
      release: () => {
        for (const node of wanted) this.#locked.delete(node);
        this.enter("release", path);
      },
    };
  }

  /**
   * A clock of its own, so that a run can be repeated: each look at it is half a millisecond after the one before.
   *
   * @example Look twice
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * const before = disk.now();
   * assertEquals(disk.now() - before, 0.5);
   * ```
   */
  now(): number {
    return ++this.#looks / 2;
  }

  /**
   * CRC-32 of `bytes`, continued from `seed`.
   *
   * @example Continue a checksum
   * ```ts
   * import { PowerCutDisk } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const disk = new PowerCutDisk();
   * const bytes = new TextEncoder().encode("123456789");
   * assertEquals(disk.crc32(bytes, 0), 0xcbf43926);
   * assertEquals(disk.crc32(bytes.subarray(4), disk.crc32(bytes.subarray(0, 4), 0)), 0xcbf43926);
   * ```
   */
  crc32(bytes: Uint8Array, seed: number): number {
    // Of no bytes, the module of Node 20 to 24 gives 0, whatever the seed.
    return bytes.length === 0 ? seed : crc32(bytes, seed);
  }
}
