// Stands in for `@std/fs` where JSR is out of reach: the functions our tests use, same signatures.

import { access, constants, cp, lstat, mkdir, readdir, rm, stat } from "node:fs/promises";
import { basename, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

/** Options of {@linkcode exists}. */
export interface ExistsOptions {
  isReadable?: boolean;
  isDirectory?: boolean;
  isFile?: boolean;
}

/** Options of {@linkcode copy}. */
export interface CopyOptions {
  overwrite?: boolean;
  preserveTimestamps?: boolean;
}

/** Options of {@linkcode walk}. */
export interface WalkOptions {
  maxDepth?: number;
  includeFiles?: boolean;
  includeDirs?: boolean;
  includeSymlinks?: boolean;
  exts?: string[];
  match?: RegExp[];
  skip?: RegExp[];
}

/** One file or directory met by {@linkcode walk}. */
export interface WalkEntry {
  path: string;
  name: string;
  isFile: boolean;
  isDirectory: boolean;
  isSymlink: boolean;
}

/** Makes a directory and its parents unless it is there. */
export async function ensureDir(dir: string | URL): Promise<void> {
  await mkdir(dir, { recursive: true });
}

/** Makes a directory, or deletes everything inside it. */
export async function emptyDir(dir: string | URL): Promise<void> {
  await ensureDir(dir);
  for (const name of await readdir(dir)) {
    await rm(join(toPath(dir), name), { recursive: true, force: true });
  }
}

/** Tells whether a path exists and is what the options ask for. */
export async function exists(path: string | URL, options?: ExistsOptions): Promise<boolean> {
  if (options?.isDirectory && options.isFile) {
    throw new TypeError("ExistsOptions.options.isDirectory and isFile must not be true together");
  }
  try {
    const found = await stat(path);
    if (options?.isDirectory && !found.isDirectory()) return false;
    if (options?.isFile && !found.isFile()) return false;
    if (options?.isReadable) await access(path, constants.R_OK);
    return true;
  } catch (error) {
    if (isCode(error, "ENOENT") || isCode(error, "EACCES")) return false;
    throw error;
  }
}

/** Copies a file or a directory with all its contents; refuses an existing target by default. */
export async function copy(
  src: string | URL,
  dest: string | URL,
  options: CopyOptions = {},
): Promise<void> {
  const { overwrite = false, preserveTimestamps = false } = options;
  if (!overwrite && await exists(dest)) {
    throw Object.assign(new Error(`Copy "${src}": "${dest}" already exists`), { code: "EEXIST" });
  }
  await cp(src, dest, { recursive: true, force: overwrite, preserveTimestamps });
}

/** Yields a directory and everything below it, depth first, links not followed. */
export async function* walk(
  root: string | URL,
  options: WalkOptions = {},
): AsyncIterableIterator<WalkEntry> {
  const path = normalize(toPath(root));
  const found = await lstat(path);
  yield* visit(
    { path, name: basename(path), ...kind(found) },
    options,
    options.maxDepth ?? Infinity,
  );
}

async function* visit(
  entry: WalkEntry,
  options: WalkOptions,
  depthLeft: number,
): AsyncIterableIterator<WalkEntry> {
  if (options.skip?.some((pattern) => pattern.test(entry.path))) return;
  if (wanted(entry, options)) yield entry;
  if (!entry.isDirectory || depthLeft < 1) return;
  for (const child of await readdir(entry.path, { withFileTypes: true })) {
    const path = join(entry.path, child.name);
    yield* visit({ path, name: child.name, ...kind(child) }, options, depthLeft - 1);
  }
}

function wanted(entry: WalkEntry, options: WalkOptions): boolean {
  if (entry.isFile && options.includeFiles === false) return false;
  if (entry.isDirectory && options.includeDirs === false) return false;
  if (entry.isSymlink && options.includeSymlinks === false) return false;
  if (options.exts && !options.exts.some((ext) => entry.path.endsWith(ext))) return false;
  return options.match === undefined || options.match.some((pattern) => pattern.test(entry.path));
}

interface Kind {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

function kind(found: Kind): Pick<WalkEntry, "isFile" | "isDirectory" | "isSymlink"> {
  return {
    isFile: found.isFile(),
    isDirectory: found.isDirectory(),
    isSymlink: found.isSymbolicLink(),
  };
}

function toPath(path: string | URL): string {
  return path instanceof URL ? fileURLToPath(path) : path;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
