// Tests that state directories move between runtimes: the others open the same state, with the same report.

import { appendFile, cp } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { run, runtimes } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary.ts";

// deno-lint-ignore no-explicit-any -- what a program printed
type Printed = any;

/** Opens a copy, so that each runtime finds the directory as the last program left it; paths are made comparable. */
async function openCopy(runtime: string, path: string, copy: string): Promise<Printed> {
  await cp(path, copy, { recursive: true });
  const printed = await run(runtime as "deno", "open_state.ts", [copy]);
  return JSON.parse(JSON.stringify(printed).replaceAll(copy, "DIRECTORY"));
}

for (const writer of runtimes) {
  for (const shape of ["closed", "torn", "migrated"]) {
    test(`a directory that ${writer} left ${shape} opens with the same state under every runtime`, async () => {
      await using directory = await temporaryDirectory();
      const path = directory.join("state");
      const made = await run(writer, "make_state.ts", [path, shape]);
      if (shape === "torn") await appendFile(made.journalPath, '[1000,"torn"]\n[1001,"to');
      const opened = await Promise.all(
        runtimes.map((runtime) => openCopy(runtime, path, directory.join(runtime))),
      );
      for (const printed of opened) assertEquals(printed, opened[0]);
      assertEquals(opened[0].state, made.state);
      assertEquals(opened[0].sequence, made.sequence);
      assertEquals(opened[0].recovery.torn !== null, shape === "torn");
      assertEquals(opened[0].recovery.lost, null);
      assert(opened[0].recovery.snapshot !== null);
      // And on, where another one left off.
      const other = runtimes[(runtimes.indexOf(writer) + 1) % runtimes.length]!;
      const next = await run(other, "make_state.ts", [path, "one more"]);
      assertEquals(next.sequence, made.sequence + 1);
      assertEquals(next.state.entries, [...made.state.entries, "one more"]);
    });
  }
}
