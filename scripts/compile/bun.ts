// Builds a binary with Bun. What it is built on comes from npm, unless a file is given.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { binary, run } from "../toolchain.ts";
import { bundle, type Bundler, bundlerAdvice, entryPath, MINIFY, projectOf } from "./bundle.ts";
import { expectOk } from "./compile_error.ts";
import { targetOf } from "./targets.ts";

/** What to build, for what, and where to. */
export interface CompileWithBun {
  /** The path of the program. */
  entry: string;
  /** One of the names in targets.ts. */
  target: string;
  /** The path of the binary. */
  output: string;
  /** Bun's own program for the target, where npm can't be reached. */
  base?: string;
  /** Who resolves the imports; by default the one that knows the project's configuration. */
  bundler?: Bundler;
}

const FLAGS = [
  "--compile",
  ...MINIFY.bun,
  // Compiled beforehand, all that runs once starts in half the time.
  "--bytecode",
  "--format=esm",
  // A binary does what it was built to do, whatever is in the folder it is started in.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--no-compile-autoload-tsconfig",
  "--no-compile-autoload-package-json",
];

/** Builds the binary. Throws {@linkcode CompileError} when that fails. */
export async function compileWithBun(options: CompileWithBun): Promise<void> {
  const source = entryPath(options.entry);
  const project = projectOf(source);
  const by = options.bundler ?? project.bundler;
  if (by === "bun") return await build(options, source, project.folder);
  // Bun would look for packages that only Deno finds.
  const folder = mkdtempSync(join(tmpdir(), "ministate-compile-"));
  try {
    const bundled = join(folder, "program.js");
    await bundle(source, bundled, by);
    await build(options, bundled, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function build(options: CompileWithBun, source: string, cwd: string): Promise<void> {
  const { entry, target, output, base } = options;
  const args = ["build", ...FLAGS, `--target=${targetOf(target).bun}`];
  if (base !== undefined) args.push(`--compile-executable-path=${resolve(base)}`);
  const outcome = await run(binary("bun"), [...args, `--outfile=${resolve(output)}`, source], {
    cwd,
    timeoutMs: 900_000,
  });
  const advice = `${
    bundlerAdvice("bun")
  } (if it is a download, docs/board.md says how to do without)`;
  expectOk(`Building "${entry}" with Bun for ${target}`, outcome, advice);
}
