// Tests the building of binaries: what a user types, what comes out, and what is said when it can't be built.
//
// None of it needs a network: Bun builds for this machine on itself, and for Deno a small ELF file replaces
// the base binary, so that binary is checked and not started.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { readArguments, UsageError } from "../../scripts/compile/arguments.ts";
import { bundle } from "../../scripts/compile/bundle.ts";
import { CompileError } from "../../scripts/compile/compile_error.ts";
import { checkElf } from "../../scripts/compile/elf.ts";
import { finish } from "../../scripts/compile/finish.ts";
import { root } from "../../scripts/toolchain.ts";
import { appendedFile, elfFile, MACHINE, programSegments } from "../support/elf_file.ts";
import { commandOf, runtimes } from "../support/runtimes.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary.ts";

const ARM = "aarch64-unknown-linux-gnu";

/** A user's program: what it counted, what its folder could have changed, the name of an error. */
const PROGRAM = `import { StateManager } from "@ministate/ministate";
const mutator = { initial: () => ({ n: 0 }), apply: (state: { n: number }) => ++state.n };
const manager = await StateManager.open("./state", "count.wal.jsonl", mutator);
const { result } = await manager.apply(null);
await manager.close();
const { name } = await manager.apply(null).catch((error: Error) => error) as Error;
const { FROM_DOTENV = "none" } = process.env;
console.log(JSON.stringify([result, name, FROM_DOTENV, "preloaded" in globalThis]));
`;

/** Makes a user's folder with the package in its node_modules. */
function makeProject(directory: TemporaryDirectory): string {
  const folder = directory.join("project");
  mkdirSync(join(folder, "node_modules", "@ministate"), { recursive: true });
  symlinkSync(root, join(folder, "node_modules", "@ministate", "ministate"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "src", "app.ts"), PROGRAM);
  return folder;
}

/** Runs the command in a folder. */
function compile(cwd: string, args: string[], env: Record<string, string> = {}) {
  const [node, file] = commandOf("node", join(root, "scripts", "compile.ts"));
  const options = { cwd, env: { ...process.env, ...env }, encoding: "utf8" } as const;
  const { status, stdout, stderr } = spawnSync(node, [...file, ...args], options);
  return { code: status, stdout, stderr };
}

/** Runs a program in a folder and gives the JSON it printed. */
function runIn(cwd: string, command: string, args: string[] = []): unknown {
  const { stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  assert(stdout !== "", stderr);
  return JSON.parse(stdout);
}

test("bundle() writes one file that Deno, Bun and Node run, without the package beside it", async () => {
  await using directory = await temporaryDirectory();
  const bundled = directory.join("app.js");
  await bundle(join(makeProject(directory), "src", "app.ts"), bundled);
  const elsewhere = directory.join("elsewhere");
  mkdirSync(elsewhere);
  runtimes.forEach((runtime, index) => {
    const permissions = ["--allow-read=state", "--allow-write=state", "--allow-env=FROM_DOTENV"];
    const [command, args] = commandOf(runtime, bundled, permissions);
    assertEquals(runIn(elsewhere, command, args), [index + 1, "ClosedError", "none", false]);
  });
});

test("bundle() says what it could not resolve", async () => {
  await using directory = await temporaryDirectory();
  const entry = directory.join("app.ts");
  writeFileSync(entry, 'import "nothing-of-that-name";\n');
  await assertRejects(
    () => bundle(entry, directory.join("app.js")),
    CompileError,
    "nothing-of-that-name",
  );
  await assertRejects(
    () => bundle(directory.join("no.ts"), "x.js"),
    CompileError,
    "There is no file",
  );
});

test("compile --runtime bun builds a user's program whose folder doesn't affect it", async () => {
  await using directory = await temporaryDirectory();
  const folder = makeProject(directory);
  const { code, stdout, stderr } = compile(folder, [
    "src/app.ts",
    "--runtime",
    "bun",
    "--output",
    "out/app",
  ]);
  assertEquals([code, stderr], [0, ""]);
  const out = join(folder, "out");
  assertEquals(readdirSync(out).sort(), ["app", "app.sha256"]);
  const bytes = readFileSync(join(out, "app"));
  assert(stdout.includes(`${bytes.length.toLocaleString("en")} bytes`), stdout);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  assertEquals(readFileSync(join(out, "app.sha256"), "utf8"), `${sha256}  app\n`);
  assertEquals(checkElf(bytes).findings, []);
  writeFileSync(join(out, ".env"), "FROM_DOTENV=yes\n");
  writeFileSync(join(out, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
  writeFileSync(join(out, "preload.ts"), "globalThis.preloaded = true;\n");
  assertEquals(runIn(out, join(out, "app")), [1, "ClosedError", "none", false]);
});

test("compile builds with Deno on a given base, and moves what would crash on a board", async () => {
  await using directory = await temporaryDirectory();
  const folder = makeProject(directory);
  const base = directory.join("denort");
  writeFileSync(
    base,
    elfFile({ segments: programSegments(), sections: [{ flags: 0, addr: 0, offset: 0 }] }),
  );
  const may = ["--allow-read=/var/lib/app", "--allow-write=/var/lib/app"];
  const { code, stdout, stderr } = compile(folder, ["src/app.ts", "--target", ARM, ...may], {
    DENORT_BIN: base,
  });
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /mended: the segment \S+ to \S+ overlaps .* with pages of 16 and 64 KiB/);
  assertMatch(stdout, /loads with pages of 4, 16, 64 KiB/);
  const bytes = readFileSync(join(folder, "dist", `app-${ARM}`));
  assertEquals(checkElf(bytes).findings, []);
  const text = bytes.toString("latin1");
  assertMatch(text, /"allow_read":\["\/var\/lib\/app"\],.*"allow_write":\["\/var\/lib\/app"\]/);
  assertMatch(text, /"allow_net":null/);
  assert(!text.includes("node_modules/"), "files of node_modules are in it");
  const other = directory.join("deno");
  copyFileSync(base, other);
  const again = compile(folder, ["src/app.ts", "--target", ARM, "--base", other]);
  assertEquals(again.code, 0);
  assertMatch(
    again.stderr,
    /^--base names "\S+deno", not "denort": the binary will run your program only if/,
  );
});

test("compile says how to seed Deno's base binary when it is missing, and leaves nothing behind", async () => {
  await using directory = await temporaryDirectory();
  const unreachable = "http://127.0.0.1:9";
  const { code, stdout, stderr } = compile(directory.path, ["--target", ARM], {
    DENORT_BIN: "",
    DENO_DIR: directory.join("cache"),
    HTTPS_PROXY: unreachable,
    https_proxy: unreachable,
    NO_PROXY: "",
    no_proxy: "",
  });
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^Deno's base binary for aarch64-unknown-linux-gnu is missing/);
  assertMatch(stderr, /cache\/dl\/release\/v[\d.]+\/denort-aarch64-unknown-linux-gnu\.zip/);
  assertMatch(stderr, /DENORT_BIN/);
  assert(!stderr.includes("Stack backtrace"), stderr);
  assertEquals(readdirSync(directory.join("dist")), []);
});

test("finish() deletes a binary that the target could not start", async () => {
  await using directory = await temporaryDirectory();
  const output = directory.join("app");
  const refused: [Uint8Array, RegExp][] = [
    [elfFile({ machine: MACHINE.x86_64, segments: programSegments() }), /another machine/],
    [appendedFile({ flags: 6 }), /may be written/],
    [new TextEncoder().encode("#!/bin/sh\n"), /not an ELF file/],
  ];
  for (const [bytes, reason] of refused) {
    const built = directory.join("built");
    writeFileSync(built, bytes);
    const error = assertThrows(() => finish(built, output, ARM), CompileError) as CompileError;
    assertMatch(error.message, reason);
    assertEquals([existsSync(output), existsSync(`${output}.sha256`)], [false, false]);
  }
});

test("compile fails with exit code 64 for a wrong argument", async () => {
  await using directory = await temporaryDirectory();
  const { code, stderr } = compile(directory.path, ["--optimise"]);
  assertEquals(code, 64);
  assertMatch(stderr, /--optimise/);
  const mistakes = [
    ["a.ts", "b.ts"],
    ["--runtime", "node"],
    ["--target", "riscv64"],
    ["--target", "constructor"],
    ["--bundler", "esbuild"],
    ["--runtime", "bun", "--allow-read=x"],
    ["--allow-everything"],
    ["--output"],
  ];
  for (const args of mistakes) assertThrows(() => readArguments(args), UsageError);
});

test("compile grants the command what it needs and a user's program what the user chooses", () => {
  assertEquals(readArguments(["--help"]), null);
  assertEquals(readArguments([])?.permissions.slice(0, 2), ["--allow-read", "--allow-write"]);
  assertEquals(readArguments(["--allow-read=x"])?.permissions, ["--allow-read=x"]);
  assertEquals(readArguments(["app.ts"])?.permissions, []);
  assertEquals(
    readArguments(["app.ts", "--allow-net", "--deny-net=a,b"])?.permissions,
    ["--allow-net", "--deny-net=a,b"],
  );
  assertEquals(readArguments(["src/app.ts", "--target", ARM])?.output, `dist/app-${ARM}`);
});
