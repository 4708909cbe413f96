// Tests what the command reports of an error, and the code it exits with.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { describeError, exitCodeOf } from "../../cli/exit.ts";
import { systemError } from "../support/wrapped_fs.ts";

test("describeError() takes anything that was thrown", () => {
  for (const thrown of [new RangeError("a bug"), "a bug", { message: "a bug", code: 5 }]) {
    const report = describeError(thrown);
    assertEquals([report.code, report.message, exitCodeOf(report)], ["INTERNAL", "a bug", 70]);
  }
  assertEquals(describeError(systemError("ENOSPC")).systemCode, "ENOSPC");
});
