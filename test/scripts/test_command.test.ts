// Tests what `npm test` says when asked for help, or for a test that doesn't exist: no test counts as failed.

import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { start } from "../support/runtimes.ts";

const script = join("..", "..", "..", "scripts", "test.ts");

/** What it says, all of it; it is run by Node, as `npm test` does. */
async function testCommand(...args: string[]) {
  const { code, output, errors } = await start("node", script, args).ended;
  return { code, said: output + errors };
}

test("npm test -- --help prints how it is used", async () => {
  const { code, said } = await testCommand("--help");
  assertEquals(code, 0, said);
  assertStringIncludes(said, "Usage: npm test -- [part of a file name");
  for (const option of ["--runtime", "--name", "--record"]) assertStringIncludes(said, option);
});

const wrong = [
  { args: ["no-such-file"], says: 'No test file matches "no-such-file"' },
  { args: ["--runtime", "perl"], says: 'Unknown runtime "perl"' },
  { args: ["--nmae", "x"], says: "Unknown option '--nmae'" },
];

for (const { args, says } of wrong) {
  test(`npm test -- ${args.join(" ")} says what is wrong, and no test counts as failed`, async () => {
    const { code, said } = await testCommand(...args);
    assertEquals(code, 64, said);
    assertStringIncludes(said, says);
    assert(!/\d (passed|failed)|\n\s+at /.test(said), said);
  });
}
