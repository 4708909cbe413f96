// Tests that examples/board/install.sh refuses each program that the board's system could not run.

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { Board, LOADER, program } from "../../support/board.ts";
import { MACHINE } from "../../support/elf_file.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const THIRTY_TWO_BITS = program();
THIRTY_TWO_BITS[4] = 1;

const SPARC = 43;

/** A program, the loaders on the board, and what is said. */
const REFUSED: [string, Uint8Array | string, string[], RegExp][] = [
  ["a text", "board\n", [LOADER.glibc_aarch64], /is not a program: it is no ELF file/],
  ["an empty file", "", [LOADER.glibc_aarch64], /is not a program/],
  ["a 32-bit program", THIRTY_TWO_BITS, [LOADER.armhf], /neither 64-bit Arm nor x86-64/],
  ["an odd machine", program({ machine: SPARC }), [LOADER.glibc_aarch64], /neither 64-bit Arm/],
  [
    "musl on glibc",
    program({ loader: LOADER.musl_aarch64 }),
    [LOADER.glibc_aarch64],
    /needs "\/lib\/ld-musl-aarch64.so.1".* wants --target aarch64-unknown-linux-gnu/,
  ],
  [
    "glibc on musl",
    program(),
    [LOADER.musl_aarch64],
    /needs "\/lib\/ld-linux-aarch64.so.1".* wants --target aarch64-unknown-linux-musl/,
  ],
  ["a system of 32 bits", program(), [LOADER.armhf], /has 32 bits, even if its kernel has 64/],
  [
    "another machine's image",
    program({ machine: MACHINE.x86_64, loader: LOADER.glibc_x86_64 }),
    [LOADER.glibc_aarch64],
    /wants --target aarch64-unknown-linux-gnu/,
  ],
  ["a folder where nothing is mounted", program(), [], /Is this the root of a board's system/],
];

for (const [name, bytes, loaders, message] of REFUSED) {
  test(`install.sh refuses ${name}`, async () => {
    await using directory = await temporaryDirectory();
    const board = new Board(directory);
    writeFileSync(board.binary, bytes);
    board.remove(LOADER.glibc_aarch64);
    for (const loader of loaders) board.write(loader, "");
    const { code, stderr } = board.install();
    assertMatch(stderr, message);
    assertEquals(code, 1);
    assertEquals(board.files(), []);
  });
}

test("install.sh puts no program for another machine on this one", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  const machine = process.arch === "arm64" ? MACHINE.x86_64 : MACHINE.aarch64;
  writeFileSync(board.binary, program({ machine, loader: null }));
  const { code, stderr } = board.run(["keeper", board.binary]);
  assertEquals(code, 1);
  assertMatch(stderr, /is not for this machine/);
});

test("install.sh takes a static program, which needs no loader", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  board.remove("lib");
  writeFileSync(board.binary, program({ loader: null }));
  assertEquals(board.install().code, 0);
});

test("install.sh looks for the loader where the image's links lead on the board", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  board.remove("lib");
  // As on Debian: /lib is a link, and so is the loader. Here they are absolute ones.
  mkdirSync(join(board.root, "usr/lib"), { recursive: true });
  symlinkSync("/usr/lib", join(board.root, "lib"));
  const elsewhere = directory.join("loader");
  symlinkSync(elsewhere, join(board.root, "usr", LOADER.glibc_aarch64));
  writeFileSync(elsewhere, "");
  assertEquals(board.install().code, 1, "it is on this machine alone");
  board.write(elsewhere, "");
  assertEquals(board.install().code, 0);
});
