// Makes one minified file of a program and everything it imports, which runs under Deno, Bun and Node.

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { binary, run } from "../toolchain.ts";
import { CompileError, expectOk } from "./compile_error.ts";

/** Who bundles: Bun knows `package.json` and `node_modules`, Deno `deno.json`, import maps, `jsr:` and `npm:`. */
export const bundlers = ["bun", "deno"] as const;
/** One of them. */
export type Bundler = (typeof bundlers)[number];

/** Where a program belongs, and who can therefore resolve what it imports. */
interface Project {
  folder: string;
  bundler: Bundler;
}

/**
 * Everything but the names of classes and functions: `error.name`, and what a trace from a board says, would be
 * one or two letters each. (`--keep-names` has no effect in Bun 1.4.5.)
 */
export const MINIFY: Readonly<Record<Bundler, readonly string[]>> = {
  bun: ["--minify-syntax", "--minify-whitespace"],
  deno: ["--minify", "--keep-names"],
};

/** Writes `entry` and all its imports to the file `output`. Throws {@linkcode CompileError} when that fails. */
export async function bundle(entry: string, output: string, bundler?: Bundler): Promise<void> {
  const source = entryPath(entry);
  const project = projectOf(source);
  const by = bundler ?? project.bundler;
  const args = by === "deno"
    ? ["bundle", "--quiet", ...MINIFY.deno, `--output=${resolve(output)}`, source]
    // For Node: what it may import, all three have. The file must not ask for Bun.
    : ["build", "--target=node", ...MINIFY.bun, `--outfile=${resolve(output)}`, source];
  // Deno looks for its configuration where it is started.
  const outcome = await run(binary(by), args, { cwd: project.folder });
  expectOk(`Bundling "${entry}" with ${by}`, outcome, bundlerAdvice(by));
  if (!existsSync(output)) {
    throw new CompileError(`Bundling "${entry}" with ${by} wrote no file:\n${outcome.output}`);
  }
}

/** What to add to a failure, as the other runtime may be able to resolve an import. */
export function bundlerAdvice(bundler: Bundler): string {
  const other = bundler === "bun" ? "deno" : "bun";
  return ` (if it is an import that was not found, try "--bundler ${other}")`;
}

/** Returns the absolute path of a program. Throws {@linkcode CompileError} when there is no such file. */
export function entryPath(entry: string): string {
  const path = resolve(entry);
  if (existsSync(path)) return path;
  throw new CompileError(`There is no file "${entry}": looked for "${path}"`);
}

/** Finds the nearest folder with a configuration. Where there are two, the packages are in `node_modules`. */
export function projectOf(source: string): Project {
  const has = (folder: string, name: string) => existsSync(join(folder, name));
  for (let folder = dirname(source);; folder = dirname(folder)) {
    if (has(folder, "package.json")) return { folder, bundler: "bun" };
    if (has(folder, "deno.json") || has(folder, "deno.jsonc")) return { folder, bundler: "deno" };
    if (folder === dirname(folder)) return { folder: dirname(source), bundler: "bun" };
  }
}
