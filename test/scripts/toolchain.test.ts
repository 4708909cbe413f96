// How the scripts run other programs.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { binary, run } from "../../scripts/toolchain.ts";

test("run() ends a program that prints nothing more, and says so", async () => {
  const { ok, reason } = await run(binary("node"), ["-e", "setInterval(() => {}, 1000)"], {
    silentMs: 1000,
  });
  assertEquals([ok, reason], [false, "nothing more was printed after 1 s"]);
});
