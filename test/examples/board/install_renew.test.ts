// Tests examples/board/install.sh when it updates, goes back and uninstalls: on a full card, interrupted, twice at once.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { root } from "../../../scripts/toolchain.ts";
import { Board, KEEPER } from "../../support/board.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/temporary.ts";

const OLD = "the old program";
const NEW = "the new program";

/** A board on which the old program is installed and the new one is at hand. */
function boardToRenew(directory: TemporaryDirectory): Board {
  const board = new Board(directory);
  board.bring(OLD);
  assertEquals(board.install().code, 0);
  board.bring(NEW);
  return board;
}

const AFTER_FIRST = ["keeper", "keeper.conf", "keeper.service"];
const AFTER_RENEWAL = ["keeper", "keeper.before", "keeper.conf", "keeper.service"];

/** A df that says how much is free. */
function df(kib: number): string {
  return `#!/bin/sh
echo "Filesystem     1024-blocks    Used Available Capacity Mounted on"
echo "/dev/mmcblk0p2    30000000 1000000     ${kib}      97% /"
`;
}

test("install.sh keeps the previous program, also when it is run twice", async () => {
  await using directory = await temporaryDirectory();
  const board = boardToRenew(directory);
  for (let run = 0; run < 2; run++) {
    assertEquals(board.install().code, 0);
    assertEquals(board.installed(KEEPER.program), NEW);
    assertEquals(board.installed(KEEPER.before), OLD);
    assertEquals(board.files(), AFTER_RENEWAL);
  }
});

test("install.sh asks for room first, and changes nothing where there is none", async () => {
  await using directory = await temporaryDirectory();
  const board = boardToRenew(directory);
  board.tool("df", df(1000));
  const { code, stderr } = board.install();
  assertEquals(code, 1);
  assertMatch(stderr, /no room for "keeper": it needs 1024 KiB in ".*", and 1000 KiB are free/);
  assert(!board.calls().some((call) => call.startsWith("cp")), "nothing was written");
  assertEquals(board.installed(KEEPER.program), OLD);
  assertEquals(board.files(), AFTER_FIRST);
});

test("install.sh replaces the previous program to make room when the card needs it", async () => {
  await using directory = await temporaryDirectory();
  const board = boardToRenew(directory);
  board.write(KEEPER.before, new Uint8Array(30 * 1024));
  board.tool("df", df(1000));
  const { code, stdout } = board.install();
  assertEquals(code, 0);
  assertMatch(stdout, /Removing ".*keeper.before"/);
  assertEquals(board.installed(KEEPER.program), NEW);
  assertEquals(board.installed(KEEPER.before), OLD);
});

test("install.sh keeps the previous program when its space would not be enough", async () => {
  await using directory = await temporaryDirectory();
  const board = boardToRenew(directory);
  board.write(KEEPER.before, new Uint8Array(10 * 1024));
  board.tool("df", df(1000));
  assertEquals(board.install().code, 1);
  assertEquals(board.files(), AFTER_RENEWAL);
});

test("install.sh leaves no temporary file on a card that turns out to be full", async () => {
  await using directory = await temporaryDirectory();
  const board = boardToRenew(directory);
  board.tool(
    "cp",
    '#!/bin/sh\nhead -c 300 "$1" >"$2"\necho "No space left on device" >&2\nexit 1\n',
  );
  const { code, stderr } = board.install();
  assertEquals(code, 1);
  assertMatch(stderr, /could not write ".*keeper.new". Nothing was changed/);
  assertEquals(board.installed(KEEPER.program), OLD);
  assertEquals(board.files(), AFTER_FIRST);
});

for (const [signal, code] of [["HUP", 129], ["INT", 130], ["PIPE", 141], ["TERM", 143]] as const) {
  test(`install.sh leaves no temporary file when SIG${signal} ends it`, async () => {
    await using directory = await temporaryDirectory();
    const board = boardToRenew(directory);
    board.tool("cp", `#!/bin/sh\nhead -c 300 "$1" >"$2"\nkill -${signal} "$PPID"\n`);
    assertEquals(board.install().code, code);
    assertEquals(board.installed(KEEPER.program), OLD);
    assertEquals(board.files(), AFTER_FIRST);
  });
}

test("install.sh can be killed at any moment of an update and run again", async () => {
  for (let at = 1;; at++) {
    await using directory = await temporaryDirectory();
    const board = boardToRenew(directory);
    const { code } = board.install({ TEST_CRASH_AT: String(at) });
    const installed = board.installed(KEEPER.program);
    assert(installed === OLD || installed === NEW, `killed at call ${at}: ${installed}`);
    const again = board.install();
    assertEquals(again.code, 0, `killed at call ${at}: ${again.stderr}`);
    assertEquals(board.installed(KEEPER.program), NEW);
    assertEquals(board.installed(KEEPER.before), OLD);
    assertEquals(board.files(), AFTER_RENEWAL);
    if (code === 0) return assert(at > 10, "there were calls at which to kill it");
  }
});

test("install.sh can be killed at any moment of a first installation and run again", async () => {
  for (let at = 1;; at++) {
    await using directory = await temporaryDirectory();
    const board = new Board(directory);
    const { code } = board.install({ TEST_CRASH_AT: String(at) });
    assertEquals(board.install().code, 0, `killed at call ${at}`);
    assertEquals(board.files(), AFTER_FIRST);
    if (code === 0) return assert(at > 10, "there were calls at which to kill it");
  }
});

test("install.sh --back restores the previous program, and the later one when run again", async () => {
  await using directory = await temporaryDirectory();
  const board = boardToRenew(directory);
  board.install();
  for (const [now, before] of [[OLD, NEW], [NEW, OLD]]) {
    assertEquals(board.run(["--back", "keeper", board.root]).code, 0);
    assertEquals(board.installed(KEEPER.program), now);
    assertEquals(board.installed(KEEPER.before), before);
    assertEquals(board.files(), AFTER_RENEWAL);
  }
});

test("install.sh --back can be killed at any moment and leaves a program", async () => {
  for (let at = 1;; at++) {
    await using directory = await temporaryDirectory();
    const board = boardToRenew(directory);
    board.install();
    const { code } = board.run(["--back", "keeper", board.root], { TEST_CRASH_AT: String(at) });
    const installed = board.installed(KEEPER.program);
    assert(installed === OLD || installed === NEW, `killed at call ${at}: ${installed}`);
    const again = board.run(["--back", "keeper", board.root]);
    assertEquals(again.code, 0, `killed at call ${at}: ${again.stderr}`);
    assertEquals(board.files(), AFTER_RENEWAL);
    if (code === 0) return assert(at > 5, "there were calls at which to kill it");
  }
});

test("install.sh --uninstall leaves the state and nothing else, also when it is killed and run again", async () => {
  for (let at = 1;; at++) {
    await using directory = await temporaryDirectory();
    const board = boardToRenew(directory);
    board.install();
    board.write("var/lib/keeper/state/a", "precious");
    const uninstall = ["--uninstall", "keeper", board.root];
    const { code } = board.run(uninstall, { TEST_CRASH_AT: String(at) });
    board.run(uninstall);
    assertEquals(board.files(), [], `killed at call ${at}`);
    assertEquals(board.read("var/lib/keeper/state/a"), "precious");
    if (code === 0) {
      assert(board.run(uninstall).stderr.includes('there is no service "keeper"'));
      return assert(at > 4, "there were calls at which to kill it");
    }
  }
});

test("install.sh does not start while another one is at work on the same board", async () => {
  await using directory = await temporaryDirectory();
  const board = boardToRenew(directory);
  const second = directory.join("second");
  const script = join(root, "examples", "board", "install.sh");
  // In the middle of the first, when its file is aside.
  const args = `keeper "${board.binary}" "${board.root}"`;
  const run = `sh "${script}" ${args} >"${second}" 2>&1; echo "code $?" >>"${second}"\n`;
  board.tool("sync", `#!/bin/sh\n[ -e "${second}" ] || { ${run} }\n`);
  assertEquals(board.install().code, 0);
  assert(existsSync(second));
  assertMatch(board.read("../second"), /another installation is at work here.*\ncode 1\n/);
  assertEquals(board.installed(KEEPER.program), NEW);
  assertEquals(board.files(), AFTER_RENEWAL);
});

test("install.sh says so where nothing can be written", async () => {
  await using directory = await temporaryDirectory();
  const board = boardToRenew(directory);
  // A file where a folder has to be is refused to root as well.
  board.remove("usr");
  board.write("usr/local", "");
  const { code, stderr } = board.install();
  assertEquals(code, 1);
  assertMatch(stderr, /usr\/local/);
});
