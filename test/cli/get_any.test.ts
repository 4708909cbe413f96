// Tests `get` on the directory of another program: what its snapshots hold, and all of it with the program's mutator.

import { rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Journal } from "@ministate/ministate/journal";
import type { DurableFs } from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import { openCounter, openLedger } from "../support/samples.ts";
import { runHere } from "../support/command_in_process.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** The mutator of `openCounter`, as the module of a user. */
const COUNTER = `
export default {
  initial: () => ({ value: 0 }),
  apply: (state, { by }) => void (state.value += by),
};
export const nothing = 5;
`;

test("get prints the newest snapshot of any program, and says how many mutations are not in it", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.path;
  await using manager = await openCounter(path);
  await manager.apply({ by: 4 });
  const initial = await runHere(["get", path]);
  assertEquals([initial.code, initial.output], [0, '{\n  "value": 0\n}\n']);
  assertMatch(
    initial.errors,
    /^This is the initial state: 1 later mutation of its program is not in it; --mutator FILE replays it\n$/,
  );
  await manager.createSnapshot();
  const whole = await runHere(["get", path, "/value"]);
  assertEquals(whole, { code: 0, output: "4\n", errors: "" });
  await manager.applyAll([{ by: 1 }, { by: 2 }]);
  const later = await runHere(["get", path, "/value"]);
  assertEquals([later.code, later.output], [0, "4\n"]);
  assertMatch(
    later.errors,
    /^This is the snapshot of sequence 1: 2 later mutations .* are not in it/,
  );
  // A program reads the value only.
  assertEquals(await runHere(["get", path, "--json"]), {
    code: 0,
    output: '{"value":4}\n',
    errors: "",
  });
});

test("get --mutator replays what the snapshot lacks, beside the program that is running", async () => {
  await using directory = await temporaryDirectory();
  const [path, file] = [directory.join("state"), directory.join("counter.mjs")];
  await writeFile(file, COUNTER);
  await using manager = await openCounter(path);
  await manager.apply({ by: 4 });
  await manager.createSnapshot();
  await manager.apply({ by: 3 });
  assertEquals(await runHere(["get", path, "/value", "--mutator", file]), {
    code: 0,
    output: "7\n",
    errors: "",
  });
  const wrong = await runHere(["get", path, "--mutator", file, "--export", "nothing"]);
  assertEquals([wrong.code, wrong.output], [64, ""]);
  const alone = await runHere(["get", path, "--export", "nothing"]);
  assertEquals([alone.code, alone.output], [64, ""]);
  assertStringIncludes(alone.errors, "--export needs --mutator");
});

test("get takes an older snapshot when the newest is damaged, and says what follows it", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.path;
  await using manager = await openLedger(path, { compaction: "manual" });
  await manager.apply("one");
  await manager.createSnapshot();
  await manager.apply("two");
  const { path: newest } = await manager.createSnapshot();
  await writeFile(newest, "rotten");
  const { code, output, errors } = await runHere(["get", path, "/entries"]);
  assertEquals([code, output], [0, '[\n  "one"\n]\n']);
  assertStringIncludes(errors, "This is the snapshot of sequence 1: 1 later mutation");
});

test("get looks again when a compaction deletes what it was about to read", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.path;
  await using manager = await openLedger(path, { compaction: "manual" });
  await manager.apply("one");
  for (const vanishing of [".wal.jsonl", ".snapshot.jsonl"]) {
    const runtimeFs = await detectFs();
    const opened: string[] = [];
    const fs: DurableFs = {
      ...runtimeFs,
      async open(file, mode) {
        const isFirst = file.endsWith(vanishing) &&
          !opened.some((path) => path.endsWith(vanishing));
        opened.push(file);
        // The header was read before; now the file itself is wanted.
        if (isFirst) {
          for (let i = 0; i < 3; i++) {
            await manager.apply(i);
            await manager.compact();
          }
        }
        return await runtimeFs.open(file, mode);
      },
    };
    const { code, output, errors } = await runHere(["get", path, "/entries", "--json"], { fs });
    assertEquals([code, errors], [0, ""]);
    assertEquals(JSON.parse(output), manager.state.entries);
  }
});

test("get names the program when the journal alone doesn't hold a state", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.path;
  await using journal = await Journal.open(path, "events.wal.jsonl");
  await journal.append({ by: 4 });
  const { code, output, errors } = await runHere(["get", path]);
  assertEquals([code, output], [1, ""]);
  assertStringIncludes(errors, `There is no snapshot in "${path}" that can be read`);
  assertStringIncludes(errors, "--mutator FILE");
});

test("get still refuses a directory without a state", async () => {
  await using directory = await temporaryDirectory();
  const { code, errors } = await runHere(["get", directory.path]);
  assertEquals(code, 4);
  assertStringIncludes(errors, "There is no state in");
  await rm(directory.path, { recursive: true });
  assertEquals((await runHere(["get", directory.path])).code, 4);
});
