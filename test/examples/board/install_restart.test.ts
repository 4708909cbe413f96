// Tests that examples/board/install.sh says "running" only of a program that stays up.

import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Board } from "../../support/board.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

/** What systemd answers, query by query; the last answer repeats. */
function look(active: string, restarts: number): string {
  return `ActiveState=${active} NRestarts=${restarts}`;
}

const DOWN: [string, string[], number][] = [
  ["dies at once", [look("activating", 0)], 0],
  ["died between the start and the first look, and is restarted", [look("failed", 0)], 0],
  ["dies after some seconds", [...Array(6).fill(look("active", 0)), look("activating", 0)], 0],
  ["is restarted between two looks", [look("active", 0), look("active", 0), look("active", 1)], 0],
  ["ends by itself", [look("active", 0), look("inactive", 0)], 0],
  ["can't be started", [look("active", 0)], 1],
];

for (const [name, looks, restartCode] of DOWN) {
  test(`install.sh fails and shows the log of a program that ${name}`, async () => {
    await using directory = await temporaryDirectory();
    const board = new Board(directory);
    const { code, stdout, stderr } = board.restart(looks, {
      TEST_RESTART_CODE: String(restartCode),
    });
    assertEquals(code, 2);
    assertMatch(stderr, /^install.sh: "keeper" (does not stay up|could not be started)/);
    assertMatch(stderr, /^the log$/m);
    assert(!stdout.includes("running"), stdout);
  });
}

test("install.sh looks eleven times at a program that stays up, and is done", async () => {
  await using directory = await temporaryDirectory();
  const board = new Board(directory);
  // The count of a unit that failed before is kept: only its growth is a sign.
  const { code, stdout, stderr } = board.restart([look("active", 50)]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertMatch(stdout, /keeper is running/);
  const calls = board.calls();
  assertEquals(calls.filter((call) => call === "sleep 1").length, 10);
  assertEquals(calls.filter((call) => call.startsWith("systemctl show")).length, 12);
});
