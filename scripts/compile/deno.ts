// Builds a binary with Deno, or says what is missing: the base of such a binary comes only from Deno's site.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { binary, run } from "../toolchain.ts";
import { bundle, type Bundler } from "./bundle.ts";
import { CompileError, expectOk } from "./compile_error.ts";
import { targetOf } from "./targets.ts";

/** What to build, for what, and where to. */
export interface CompileWithDeno {
  /** The path of the program. */
  entry: string;
  /** One of the names in targets.ts. */
  target: string;
  /** The path of the binary. */
  output: string;
  /** What the program may do, as Deno's own flags. */
  permissions: string[];
  /** The program "denort" for the target, where Deno's site can't be reached. */
  base?: string;
  /** Who resolves the imports; by default the one that knows the project's configuration. */
  bundler?: Bundler;
}

/** Builds the binary. Throws {@linkcode CompileError} when that fails. */
export async function compileWithDeno(options: CompileWithDeno): Promise<void> {
  const { entry, target, output, bundler } = options;
  if (!targetOf(target).deno) {
    throw new CompileError(
      `There is no Deno for "${target}": take a "gnu" target or --runtime bun`,
    );
  }
  const base = givenBase(options.base);
  // Away from every configuration and node_modules: Deno would put all of that into the binary.
  const folder = mkdtempSync(join(tmpdir(), "ministate-compile-"));
  try {
    const bundled = join(folder, "program.js");
    await bundle(entry, bundled, bundler);
    const flags = ["--quiet", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-check"];
    // On a board there is nobody to answer a prompt.
    const may = ["--no-prompt", ...options.permissions];
    const args = [...flags, ...may, `--target=${target}`, `--output=${resolve(output)}`, bundled];
    const outcome = await run(binary("deno"), ["compile", ...args], {
      cwd: folder,
      env: base === undefined ? {} : { DENORT_BIN: base },
      timeoutMs: 900_000,
    });
    if (!outcome.ok && base === undefined) await explainBase(target);
    expectOk(`Building "${entry}" with Deno for ${target}`, outcome);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The base that was named, as an absolute path: Deno is started elsewhere. */
function givenBase(option: string | undefined): string | undefined {
  const given = option ?? process.env.DENORT_BIN;
  if (given === undefined || given === "") return undefined;
  const from = option === undefined ? "DENORT_BIN" : "--base";
  if (existsSync(given)) {
    // Deno builds on any program; the failure shows only when the binary is started.
    if (!basename(given).startsWith("denort")) {
      process.stderr.write(
        `${from} names "${given}", not "denort": the binary will run your program only if it is that one, renamed\n`,
      );
    }
    return resolve(given);
  }
  throw new CompileError(`${from} names "${given}", and there is no such file`);
}

/** Throws when the base is what was missing, with the ways to get it. */
async function explainBase(target: string): Promise<void> {
  const version = await answer(["--version"], /deno (\S+)/);
  const cache = await answer(["info", "--json"], /"denoDir":\s*"([^"]+)"/);
  const name = `denort-${target}.zip`;
  const seeded = join(cache, "dl", "release", `v${version}`, name);
  if (existsSync(seeded)) return;
  throw new CompileError(
    `Deno's base binary for ${target} is missing, and could not be downloaded. On a machine with a ` +
      `network, fetch\n  https://dl.deno.land/release/v${version}/${name}\nand then either\n` +
      `  put it at ${seeded}\n` +
      `  or unzip it, and name the program "denort" with --base FILE or in DENORT_BIN\n` +
      `(--runtime bun builds on what npm has, and needs none of this)`,
  );
}

async function answer(args: string[], pattern: RegExp): Promise<string> {
  const outcome = await run(binary("deno"), args);
  const found = pattern.exec(outcome.output)?.[1];
  if (found !== undefined) return found;
  throw new CompileError(`"deno ${args.join(" ")}" did not answer:\n${outcome.output}`);
}
