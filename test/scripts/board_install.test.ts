// Tests examples/board/install.sh on a folder that stands for a board's root, with stand-ins for what needs systemd.

import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { root } from "../../scripts/toolchain.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary.ts";

const BIN = "usr/local/bin/keeper";
const UNIT = "usr/local/lib/systemd/system/keeper.service";

/** A board's root, a binary, and what was called in which order. */
class Board {
  readonly root: string;
  readonly binary: string;
  readonly #tools: string;
  readonly #log: string;

  constructor(directory: TemporaryDirectory) {
    this.root = directory.join("board");
    this.binary = directory.join("keeper-aarch64");
    this.#tools = directory.join("tools");
    this.#log = directory.join("log");
    mkdirSync(this.root);
    mkdirSync(this.#tools);
    writeFileSync(this.binary, "the program");
    for (const tool of ["sync", "mv", "systemctl", "systemd-sysusers"]) {
      const real = tool === "mv" ? 'exec /bin/mv "$@"\n' : "";
      const path = join(this.#tools, tool);
      writeFileSync(path, `#!/bin/sh\necho "${tool} $*" >>"${this.#log}"\n${real}`);
      chmodSync(path, 0o755);
    }
  }

  install(...args: string[]) {
    const env = { ...process.env, PATH: `${this.#tools}:${process.env.PATH}` };
    const script = join(root, "examples", "board", "install.sh");
    const { status, stderr } = spawnSync("sh", [script, ...args], { env, encoding: "utf8" });
    return { code: status, stderr };
  }

  /** What was called, without the folder's name. */
  calls(): string[] {
    const lines = readFileSync(this.#log, "utf8").replaceAll(this.root, "").trimEnd().split("\n");
    return lines.map((line) => line.trim());
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }
}

test("install.sh puts each file in place by write, sync and rename, and enables the service", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  assertEquals(board.install("keeper", board.binary, board.root), { code: 0, stderr: "" });
  const put = (path: string) => ["sync", `mv -f /${path}.new /${path}`, "sync"];
  assertEquals(board.calls(), [
    ...put("usr/local/lib/sysusers.d/keeper.conf"),
    ...put(UNIT),
    ...put(BIN),
    "systemd-sysusers --root= keeper.conf",
    "systemctl --root= enable keeper.service",
    "sync",
  ]);
  assertEquals(board.read(BIN), "the program");
  assertEquals(statSync(join(board.root, BIN)).mode & 0o777, 0o755);
  const unit = board.read(UNIT);
  assertMatch(unit, /^ExecStart=\/usr\/local\/bin\/keeper$/m);
  assertMatch(unit, /^StateDirectory=keeper$/m);
  assert(!unit.includes("ministate-app"));
});

test("install.sh renews a program, and takes one whose checksum is right", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  board.install("keeper", board.binary, board.root);
  writeFileSync(board.binary, "the next one");
  const sum = spawnSync("sha256sum", [board.binary], { encoding: "utf8" }).stdout;
  writeFileSync(`${board.binary}.sha256`, sum);
  assertEquals(board.install("keeper", board.binary, board.root).code, 0);
  assertEquals(board.read(BIN), "the next one");
});

test("install.sh touches nothing when the binary is not what was built", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  writeFileSync(`${board.binary}.sha256`, `${"0".repeat(64)}  keeper-aarch64\n`);
  const { code, stderr } = board.install("keeper", board.binary, board.root);
  assertEquals(code, 1);
  assertMatch(stderr, /not what was built/);
  assertEquals(existsSync(join(board.root, "usr")), false);
});

test("install.sh takes its own user again, and no other", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  mkdirSync(join(board.root, "etc"));
  const users = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/bin/sh\n";
  writeFileSync(
    join(board.root, "etc", "passwd"),
    `${users}keeper:x:990:990:Service keeper:/var/lib/keeper:/usr/sbin/nologin\n`,
  );
  for (const name of ["root", "daemon"]) {
    const { code, stderr } = board.install(name, board.binary, board.root);
    assertEquals(code, 64);
    assertMatch(stderr, /there is a user "\w+" already/);
  }
  assertEquals(existsSync(join(board.root, "usr")), false);
  assertEquals(board.install("keeper", board.binary, board.root), { code: 0, stderr: "" });
});

test("install.sh puts no program for another machine on this one", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  const machine = process.arch === "arm64" ? 62 : 183;
  writeFileSync(
    board.binary,
    new Uint8Array([0x7f, 0x45, 0x4c, 0x46, ...Array(14).fill(0), machine, 0]),
  );
  const { code, stderr } = board.install("keeper", board.binary);
  assertEquals(code, 1);
  assertMatch(stderr, /is not for this machine/);
  // Into the image of a board it goes: nothing tells which machine that is for.
  assertEquals(board.install("keeper", board.binary, board.root).code, 0);
});

test("install.sh refuses arguments it can't use", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  const wrong: [string[], number][] = [
    [[], 64],
    [["keeper"], 64],
    [["keeper", board.binary, board.root, "more"], 64],
    [["", board.binary, board.root], 64],
    [["../keeper", board.binary, board.root], 64],
    [["Keeper", board.binary, board.root], 64],
    [["k/g", board.binary, board.root], 64],
    [["k".repeat(32), board.binary, board.root], 64],
    [["keeper", directory.join("nothing"), board.root], 1],
    [["keeper", board.binary, directory.join("nowhere")], 1],
  ];
  for (const [args, code] of wrong) assertEquals([args, board.install(...args).code], [args, code]);
  assertEquals(existsSync(join(board.root, "usr")), false);
});
