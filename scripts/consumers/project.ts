// An empty project outside the repository, in which a row installs and uses a package as its users would.

import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "../toolchain.ts";

/** The library's name in every registry. */
export const LIBRARY = "@ministate/ministate";
/** The program for a runtime that knows no types and no `await using`. */
export const PLAIN = "plain.js";
/** The program that uses everything, with types. */
export const TYPED = "typed.ts";
const programs = join(root, "scripts", "consumers", "programs");

export interface Project {
  folder: string;
  /** The packages, packed. */
  packed: Packed;
  /** Runs a program there to its end; returns the last line that it said. Throws when it fails. */
  run(command: string, ...args: string[]): Promise<string>;
}

/** Packed files. */
export interface Packed {
  library: string;
  command: string;
  /** The library as JSR gives it to npm. */
  jsr: string;
}

/** What projects share. */
export interface Setting {
  /** The folder that everything is made in. */
  scratch: string;
  packed: Packed;
  /** Has package managers use a registry. */
  npmrc: string;
  env: Record<string, string>;
}

/** Makes an empty project, lets `use` work in it, and deletes it. */
export async function inProject<T>(
  { scratch, packed, npmrc, env }: Setting,
  use: (project: Project) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(scratch, "project-"));
  writeFileSync(join(folder, "package.json"), '{ "name": "consumer", "type": "module" }\n');
  writeFileSync(join(folder, ".npmrc"), npmrc);
  for (const name of [PLAIN, TYPED]) copyFileSync(join(programs, name), join(folder, name));
  // With permissions for it alone, a program can't make the directory durable in the one above.
  mkdirSync(join(folder, "state"));
  try {
    return await use({
      folder,
      packed,
      run: (command, ...args) => must(folder, env, command, ...args),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Installs the library as most do. */
export function byNpm({ run }: Project): Promise<string> {
  return run("npm", "install", LIBRARY);
}

/** Runs a program; returns the last line of its output, or throws all of it. */
export async function must(
  cwd: string,
  env: Record<string, string>,
  command: string,
  ...args: string[]
): Promise<string> {
  const { ok, output, reason } = await run(command, args, { cwd, env });
  if (!ok) throw new Error(`${command} ${args.join(" ")} ${reason}:\n${output}`);
  return output.trimEnd().split("\n").at(-1)!;
}
