// Tests what examples/board/install.sh puts onto a board, and which arguments and names it refuses.

import { spawnSync } from "node:child_process";
import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Board, KEEPER, program } from "../../support/board.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

test("install.sh writes aside, syncs and renames, and enables the service", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  const { code, stderr } = board.install();
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const { program: bin, unit, user } = KEEPER;
  const aside = `rm -f /${bin}.new /${bin}.before.new /${unit}.new /${user}.new`;
  assertEquals(board.calls(), [
    aside,
    `cp ${board.binary} /${bin}.new`,
    "sync",
    `mv -f /${user}.new /${user}`,
    `mv -f /${unit}.new /${unit}`,
    "sync",
    `mv -f /${bin}.new /${bin}`,
    "sync",
    "systemd-sysusers --root= keeper.conf",
    "systemctl --root= enable keeper.service",
    "sync",
    aside,
  ]);
  assertEquals(board.read(bin), new TextDecoder().decode(program()));
  assertEquals(statSync(join(board.root, bin)).mode & 0o777, 0o755);
  const text = board.read(unit);
  assertMatch(text, /^ExecStart=\/usr\/local\/bin\/keeper$/m);
  assertMatch(text, /^StateDirectory=keeper$/m);
  assert(!text.includes("ministate-app"));
});

test("install.sh takes a program whose checksum is right, and refuses any other", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  writeFileSync(`${board.binary}.sha256`, `${"0".repeat(64)}  keeper-aarch64\n`);
  const wrong = board.install();
  assertEquals(wrong.code, 1);
  assertMatch(wrong.stderr, /not what was built/);
  assertEquals(board.files(), []);
  const sum = spawnSync("sha256sum", [board.binary], { encoding: "utf8" }).stdout;
  writeFileSync(`${board.binary}.sha256`, sum);
  assertEquals(board.install().code, 0);
});

test("install.sh accepts its own user again, and no other", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  board.write(
    "etc/passwd",
    "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/bin/sh\n" +
      "keeper:x:990:990:Service keeper:/var/lib/keeper:/usr/sbin/nologin\n",
  );
  board.write("etc/group", "root:x:0:\naudio:x:29:pi\nkeeper:x:990:\n");
  for (const name of ["root", "daemon", "audio"]) {
    const { code, stderr } = board.run([name, board.binary, board.root]);
    assertEquals(code, 64);
    assertMatch(stderr, /there is a (user|group) "\w+" already/);
  }
  assertEquals(board.files(), []);
  assertEquals(board.install().code, 0);
});

test("install.sh refuses the name of another service or command", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  board.write("lib/systemd/system/ssh.service", "[Service]\nExecStart=/usr/sbin/sshd -D\n");
  board.write("etc/init.d/cron", "");
  board.write("usr/local/bin/ministate", "");
  board.write("usr/bin/tar", "");
  mkdirSync(join(board.root, "etc/systemd/system"), { recursive: true });
  symlinkSync("/dev/null", join(board.root, "etc/systemd/system/hushed.service"));
  const files = board.files();
  for (const name of ["ssh", "cron", "ministate", "tar", "hushed"]) {
    const { code, stderr } = board.run([name, board.binary, board.root]);
    assertEquals(code, 64);
    assertMatch(stderr, /take another name|run systemctl unmask hushed/);
  }
  assertEquals(board.files(), files);
  // What "systemctl edit --full" leaves is the operator's change of our own unit.
  board.write("etc/systemd/system/keeper.service", "[Service]\nExecStart=/usr/local/bin/keeper\n");
  assertEquals(board.install().code, 0);
  assertEquals(board.install().code, 0);
});

test("install.sh accepts a ROOT with .. and links in it", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  symlinkSync(board.root, directory.join("image"));
  const { code } = board.run(["keeper", board.binary, directory.join("tools") + "/../image/"]);
  assertEquals(code, 0);
  assertEquals(board.calls().at(-4), "systemd-sysusers --root= keeper.conf");
});

test("install.sh follows links in ROOT as the board does, not out of it", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  // On the board this is a folder of the board's card; on this machine it would be outside of ROOT.
  const outside = directory.join("outside");
  mkdirSync(outside);
  mkdirSync(join(board.root, "usr"));
  symlinkSync(outside, join(board.root, "usr/local"));
  assertEquals(board.install().code, 0);
  assert(board.has(join(outside, "bin/keeper")));
  assertEquals(spawnSync("ls", [outside], { encoding: "utf8" }).stdout, "");
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
    [["keeper", board.binary, ""], 64],
    [["--back"], 64],
    [["--back", "../keeper"], 64],
    [["--back", "keeper", board.root, "more"], 64],
    [["--back", "keeper", board.root], 1],
    [["--uninstall", "keeper", board.root], 1],
    [["--restart", "keeper", board.root], 64],
    [["--unknown", "keeper", board.root], 64],
  ];
  for (const [args, code] of wrong) assertEquals([args, board.run(args).code], [args, code]);
  assertEquals(board.files(), []);
});
