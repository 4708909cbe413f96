// Builds one binary of a program, or of the command `ministate`, for a board without a runtime.
//
// The program is bundled and minified, built with Deno or Bun, checked to be loadable at every page size of its
// target, and put into dist/ with its checksum. docs/board.md says how it gets onto a board.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { HELP, readArguments, type Request, UsageError } from "./compile/arguments.ts";
import { compileWithBun } from "./compile/bun.ts";
import { CompileError } from "./compile/compile_error.ts";
import { compileWithDeno } from "./compile/deno.ts";
import { finish, type Finished } from "./compile/finish.ts";

const USAGE_CODE = 64;

try {
  const request = readArguments(process.argv.slice(2));
  if (request === null) process.stdout.write(HELP);
  else await compile(request);
} catch (error) {
  if (!(error instanceof UsageError || error instanceof CompileError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof UsageError ? USAGE_CODE : 1;
}

async function compile(request: Request): Promise<void> {
  const output = resolve(request.output);
  mkdirSync(dirname(output), { recursive: true });
  // Beside the output, so that only a whole and checked binary gets its name.
  const folder = mkdtempSync(join(dirname(output), ".compile-"));
  // At the exit, because an interrupt ends the process without coming back here.
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const built = join(folder, basename(output));
  if (request.runtime === "bun") await compileWithBun({ ...request, output: built });
  else await compileWithDeno({ ...request, output: built });
  report(request, finish(built, output, request.target));
}

function report({ output, runtime, target, permissions }: Request, finished: Finished): void {
  const { size, sha256, pageSizes, mended } = finished;
  const pages = pageSizes.map((pageSize) => pageSize / 1024).join(", ");
  console.log(`${output}: ${target}, ${runtime}, ${size.toLocaleString("en")} bytes`);
  console.log(`${output}.sha256: ${sha256}`);
  for (const problem of mended) console.log(`mended: ${problem}`);
  console.log(`loads with pages of ${pages} KiB`);
  if (runtime === "bun") return;
  console.log(
    permissions.length === 0
      ? "It may do nothing: give it --allow-read=DIR --allow-write=DIR for a state in DIR"
      : `It may do: ${permissions.join(" ")}`,
  );
}
