/**
 * The machine that the command runs on. The same on all three runtimes, over `node:fs` and `node:process`.
 *
 * @module
 */

import fs from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { Machine, PathStatus, Space } from "../machine.ts";
import { withCode } from "../../runtime/errno.ts";
import { thisRuntime } from "./runtime.ts";

interface PermissionQuery {
  permissions?: {
    querySync(descriptor: { name: "sys"; kind: "statfs" | "uid" }): { state: string };
  };
}

/** Refuses anything that Deno would ask the user about. Reading is not checked here: the command needs it anyway. */
function refuseAsking(kind: "statfs" | "uid"): void {
  const { permissions } = (globalThis as { Deno?: PermissionQuery }).Deno ?? {};
  if (permissions === undefined) return;
  if (permissions.querySync({ name: "sys", kind }).state === "granted") return;
  throw Object.assign(new Error(`EPERM: --allow-sys=${kind} is not given`), { code: "EPERM" });
}

/** Gives every failure its system name. Deno's refusal of a permission has no code, so it gets the equivalent one. */
async function coded<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const { name } = error as Error;
    if (name === "NotCapable") throw Object.assign(error as Error, { code: "EPERM" });
    throw withCode(error);
  }
}

async function status(path: string): Promise<PathStatus> {
  const info = await fs.promises.lstat(path);
  const kind = info.isFile()
    ? "file"
    : info.isDirectory()
    ? "directory"
    : info.isSymbolicLink()
    ? "link"
    : "other";
  return { kind, owner: info.uid, mode: info.mode & 0o7777, inode: info.ino };
}

async function space(path: string): Promise<Space> {
  refuseAsking("statfs");
  const { bsize, blocks, bavail, files, ffree } = await fs.promises.statfs(path);
  return {
    sizeFree: bavail * bsize,
    sizeTotal: blocks * bsize,
    inodesFree: ffree,
    inodesTotal: files,
  };
}

async function userId(): Promise<number> {
  await Promise.resolve();
  refuseAsking("uid");
  return process.geteuid!();
}

async function load(path: string): Promise<Record<string, unknown>> {
  // The real path, because the module's own imports are relative to it.
  const { href } = pathToFileURL(await fs.promises.realpath(path));
  return await import(href);
}

/** Returns the machine that this process runs on. */
export function processMachine(): Machine {
  const { name, version } = thisRuntime();
  return {
    runtime: `${name} ${version}`,
    architecture: process.arch,
    now: Date.now,
    read: (path) => coded(fs.promises.readFile(path)),
    load,
    realPath: (path) => coded(fs.promises.realpath(path)),
    status: (path) => coded(status(path)),
    space: (path) => coded(space(path)),
    userId,
  };
}
