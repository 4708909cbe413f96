/**
 * The contract of every file system, as tests: an implementation joins with one call.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import type { DurableFs, FileIdentity } from "@ministate/ministate";

/** A place for one test. */
export interface Site {
  fs: DurableFs;
  /** An empty directory. */
  path: string;
  /** Puts something other than a regular file at a path. */
  plant: (path: string, kind: "link" | "pipe") => Promise<void> | void;
  [Symbol.asyncDispose]: () => Promise<void>;
}

type It = (says: string, run: (site: Site) => Promise<void>) => void;

/** Reads, writes and names, on any file system. */
export function testConformance(name: string, site: () => Promise<Site>): void {
  const it: It = (says, run) =>
    test(`${name}: ${says}`, async () => {
      await using place = await site();
      await run(place);
    });
  testBytes(it);
  testOpening(it);
  testNames(it);
  testPlaces(it);
  testLocks(it);
}

function testBytes(it: It): void {
  it("read() returns what write() wrote, at any position", async ({ fs, path }) => {
    const file = await fs.open(`${path}/a`, "create");
    assertEquals(await file.write(bytes("hello"), 0), 5);
    assertEquals(await file.write(bytes("J"), 0), 1);
    assertEquals(await file.write(bytes("world"), 8), 5);
    assertEquals(await file.size(), 13);
    assertEquals(await readText(file, 0, 13), "Jello\0\0\0world");
    assertEquals(await readText(file, 9, 3), "orl");
    await file.close();
  });

  it("read() returns fewer bytes at the end of the file and 0 after it", async ({ fs, path }) => {
    const file = await fs.open(`${path}/a`, "create");
    await file.write(bytes("abc"), 0);
    assertEquals(await file.read(new Uint8Array(10), 1), 2);
    assertEquals(await file.read(new Uint8Array(10), 3), 0);
    assertEquals(await file.read(new Uint8Array(10), 1000), 0);
    await file.close();
  });

  it("write() keeps nothing of the buffer, so that it can be used again", async ({ fs, path }) => {
    const file = await fs.open(`${path}/a`, "create");
    const buffer = bytes("one");
    await file.write(buffer, 0);
    buffer.fill(0);
    await file.syncData();
    assertEquals(await readText(file, 0, 3), "one");
    await file.close();
  });

  it("truncate() cuts, and the file grows again with zeros", async ({ fs, path }) => {
    const file = await fs.open(`${path}/a`, "create");
    await file.write(bytes("abcdef"), 0);
    await file.truncate(2);
    assertEquals(await file.size(), 2);
    await file.write(bytes("z"), 4);
    assertEquals(await readText(file, 0, 9), "ab\0\0z");
    await file.syncAll();
    await file.close();
  });

  it("a file that was closed reads the same when it is opened again", async ({ fs, path }) => {
    const file = await fs.open(`${path}/a`, "create");
    await file.write(bytes("kept"), 0);
    await file.syncData();
    await file.close();
    for (const mode of ["read", "write"] as const) {
      const again = await fs.open(`${path}/a`, mode);
      assertEquals(await readText(again, 0, 9), "kept");
      await again.close();
    }
    await assertCode(() => fs.open(`${path}/a`, "create"), "EEXIST");
  });

  it("crc32() returns the known values, in one call or continued", async ({ fs }) => {
    await Promise.resolve();
    assertEquals(fs.crc32(bytes(""), 0), 0);
    assertEquals(fs.crc32(bytes(""), 0xcbf43926), 0xcbf43926);
    assertEquals(fs.crc32(bytes("123456789"), 0), 0xcbf43926);
    assertEquals(fs.crc32(bytes("a"), 0), 0xe8b7be43);
    assertEquals(fs.crc32(bytes("56789"), fs.crc32(bytes("1234"), 0)), 0xcbf43926);
    assertEquals(fs.crc32(new Uint8Array(32).fill(0xff), 0), 0xff6cab0b);
  });
}

function testOpening(it: It): void {
  it("open() fails with ENOENT when the file doesn't exist", async ({ fs, path }) => {
    await assertCode(() => fs.open(`${path}/none`, "read"), "ENOENT");
    await assertCode(() => fs.open(`${path}/none`, "write"), "ENOENT");
    await assertCode(() => fs.open(`${path}/none/a`, "create"), "ENOENT");
    await assertCode(() => fs.list(`${path}/none`), "ENOENT");
    await assertCode(() => fs.remove(`${path}/none`), "ENOENT");
    await assertCode(() => fs.rename(`${path}/none`, `${path}/b`), "ENOENT");
    await assertCode(() => fs.syncDirectory(`${path}/none`), "ENOENT");
    await assertCode(() => fs.makeDirectory(`${path}/none/a`), "ENOENT");
  });

  it("open() and lock() refuse links, pipes and directories, and don't wait for them", async (site) => {
    const { fs, path } = site;
    await (await fs.open(`${path}/target`, "create")).close();
    await site.plant(`${path}/link`, "link");
    await site.plant(`${path}/pipe`, "pipe");
    await fs.makeDirectory(`${path}/folder`);
    for (const mode of ["read", "write"] as const) {
      await assertCode(() => fs.open(`${path}/link`, mode), "ELOOP");
      await assertCode(() => fs.open(`${path}/pipe`, mode), "EINVAL");
      await assertCode(() => fs.open(`${path}/folder`, mode), "EISDIR");
    }
    await assertCode(() => fs.open(`${path}/link`, "create"), "EEXIST");
    await assertCode(() => fs.lock(`${path}/link`), "ELOOP");
    await assertCode(() => fs.lock(`${path}/pipe`), "EINVAL");
    await assertCode(() => fs.lock(`${path}/folder`), "EISDIR");
  });
}

function testNames(it: It): void {
  it("rename() replaces what was there", async ({ fs, path }) => {
    for (const name of ["a", "b"]) {
      const file = await fs.open(`${path}/${name}`, "create");
      await file.write(bytes(name), 0);
      await file.close();
    }
    await fs.rename(`${path}/a`, `${path}/b`);
    await fs.syncDirectory(path);
    assertEquals((await fs.list(path)).map(({ name }) => name), ["b"]);
    const file = await fs.open(`${path}/b`, "read");
    assertEquals(await readText(file, 0, 9), "a");
    await file.close();
  });

  it("a file stays open under a new name, and when its name is gone", async ({ fs, path }) => {
    const file = await fs.open(`${path}/a`, "create");
    await fs.rename(`${path}/a`, `${path}/b`);
    await file.write(bytes("x"), 0);
    await fs.remove(`${path}/b`);
    await file.write(bytes("y"), 1);
    assertEquals(await readText(file, 0, 9), "xy");
    await file.close();
    assertEquals(await fs.list(path), []);
  });

  it("list() gives the kind of each name", async (site) => {
    const { fs, path } = site;
    await (await fs.open(`${path}/file`, "create")).close();
    await fs.makeDirectory(`${path}/folder`);
    await site.plant(`${path}/link`, "link");
    await site.plant(`${path}/pipe`, "pipe");
    const kinds = (await fs.list(path)).map(({ name, kind }) => [name, kind]).sort();
    assertEquals(kinds, [
      ["file", "file"],
      ["folder", "directory"],
      ["link", "other"],
      ["pipe", "other"],
    ]);
  });

  it("makeDirectory() accepts an existing directory, and fails with EEXIST for a file", async ({ fs, path }) => {
    await fs.makeDirectory(`${path}/folder`);
    await fs.makeDirectory(`${path}/folder`);
    await (await fs.open(`${path}/file`, "create")).close();
    await assertCode(() => fs.makeDirectory(`${path}/file`), "EEXIST");
    await fs.syncDirectory(`${path}/folder`);
  });

  it("remove() refuses a directory", async ({ fs, path }) => {
    await fs.makeDirectory(`${path}/folder`);
    await (await fs.open(`${path}/folder/a`, "create")).close();
    await assertRejects(() => fs.remove(`${path}/folder`));
    assertEquals((await fs.list(path)).length, 1);
  });
}

function testPlaces(it: It): void {
  it("resolve() returns one path for every way to write it, whether it exists or not", async ({ fs, path }) => {
    await fs.makeDirectory(`${path}/folder`);
    for (const name of ["folder", "none"]) {
      assertEquals(await fs.resolve(`${path}/./${name}/`), await fs.resolve(`${path}//${name}`));
    }
    assert((await fs.resolve(`${path}/folder`)).startsWith("/"));
  });

  it("identity() belongs to the file, whatever its name and whoever asks", async ({ fs, path }) => {
    const file = await fs.open(`${path}/a`, "create");
    const lock = await fs.lock(`${path}/lock`);
    const own = await file.identity();
    const locked = await lock!.identity();
    assertEquals(own.links, 1);
    assertEquals(await fs.identity(`${path}/a`), own);
    assertEquals(await fs.identity(`${path}/lock`), locked);
    const all = [own, locked, await fs.identity(path)];
    assertEquals(new Set(all.map(({ device, inode }) => `${device} ${inode}`)).size, 3);
    await fs.rename(`${path}/a`, `${path}/b`);
    assertEquals(await fs.identity(`${path}/b`), own);
    await assertCode(async () => await fs.identity(`${path}/a`), "ENOENT");
    await fs.remove(`${path}/b`);
    assertEquals(await file.identity(), { ...own, links: 0 });
    await lock!.release();
    await file.close();
  });

  it("resolve() keeps names that don't exist, and removes empty steps", async ({ fs, path }) => {
    const real = await fs.resolve(path);
    assertEquals(await fs.resolve(`${path}//./`), real);
    assertEquals(await fs.resolve(`${path}/none`), `${real}/none`);
  });
}

function testLocks(it: It): void {
  it("lock() has one holder at a time, and is free again once released", async ({ fs, path }) => {
    const lock = await fs.lock(`${path}/lock`);
    assert(lock !== null);
    assertEquals(await fs.lock(`${path}/lock`), null);
    await lock.release();
    const again = await fs.lock(`${path}/lock`);
    assert(again !== null);
    await again.release();
  });

  it("lockDirectory() and a lock() with the directory exclude each other", async ({ fs, path }) => {
    const file = `${path}/lock`;
    const alone = await fs.lockDirectory(path);
    assert(alone !== null);
    assertSame(await alone.identity(), await fs.identity(path));
    assertEquals([await fs.lockDirectory(path), await fs.lock(file, path)], [null, null]);
    await alone.release();
    const both = await fs.lock(file, path);
    assert(both !== null);
    assertSame(await both.identity(), await fs.identity(file));
    assertEquals([await fs.lockDirectory(path), await fs.lock(file, path)], [null, null]);
    await both.release();
    await (await fs.lockDirectory(path))!.release();
    await assertCode(() => fs.lockDirectory(`${path}/none`), "ENOENT");
  });

  it("lock() locks the directory with the file, so another file there doesn't help", async ({ fs, path }) => {
    const lock = await fs.lock(`${path}/lock`, path);
    assert(lock !== null);
    await fs.remove(`${path}/lock`);
    assertEquals(await fs.lock(`${path}/lock`, path), null);
    await lock.release();
    const again = await fs.lock(`${path}/lock`, path);
    assert(again !== null);
    await again.release();
  });
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function assertSame(one: FileIdentity, other: FileIdentity): void {
  assertEquals([one.device, one.inode], [other.device, other.inode]);
}

async function readText(
  file: Awaited<ReturnType<DurableFs["open"]>>,
  offset: number,
  size: number,
): Promise<string> {
  const buffer = new Uint8Array(size);
  const count = await file.read(buffer, offset);
  return new TextDecoder().decode(buffer.subarray(0, count));
}

/** Asserts on the system's code: the classes of the errors differ between runtimes. */
async function assertCode(call: () => Promise<unknown>, code: string): Promise<void> {
  const error = await assertRejects(async () => {
    await call();
  });
  assertEquals((error as { code?: string }).code, code, String(error));
}
