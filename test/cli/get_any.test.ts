// Tests `get` on the directory of another program: what its snapshots hold, and all of it with the program's mutator.

import { readdir, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Journal } from "@ministate/ministate/journal";
import { type DurableFs, StateManager } from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import { counter, openCounter, openLedger } from "../support/samples.ts";
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

/** The file system, with `before` called ahead of the `count`th time that a file with this ending is opened. */
async function interruptedAt(
  [ending, count]: readonly [string, number],
  before: () => Promise<void>,
): Promise<DurableFs> {
  const runtimeFs = await detectFs();
  let left = count;
  return {
    ...runtimeFs,
    async open(file, mode) {
      if (file.endsWith(ending) && --left === 0) await before();
      return await runtimeFs.open(file, mode);
    },
  };
}

/** The header of the first segment, then its initial state; or the header of the snapshot, then the state in it. */
const readings = [
  [".wal.jsonl", 1],
  [".wal.jsonl", 2],
  [".snapshot.jsonl", 1],
  [".snapshot.jsonl", 2],
] as const;

for (const reading of readings) {
  const [ending, count] = reading;
  test(`get looks again when a compaction deletes what it reads: ${ending}, ${count}`, async () => {
    await using directory = await temporaryDirectory();
    const path = directory.path;
    await using manager = await openLedger(path, { compaction: "manual" });
    await manager.apply("one");
    if (ending === ".snapshot.jsonl") await manager.createSnapshot();
    const fs = await interruptedAt(reading, async () => {
      for (let i = 0; i < 3; i++) {
        await manager.apply(i);
        await manager.compact();
      }
    });
    const { code, output, errors } = await runHere(["get", path, "/entries", "--json"], { fs });
    assertEquals([code, errors], [0, ""]);
    assertEquals(JSON.parse(output), manager.state.entries);
  });
}

test("get reports that the system refuses the initial state", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.apply("one");
  const fs = await interruptedAt([".wal.jsonl", 2], () => {
    throw Object.assign(new Error("not allowed"), { code: "EACCES" });
  });
  const { code, output, errors } = await runHere(["get", directory.path], { fs });
  assertEquals([code, output], [5, ""]);
  assertStringIncludes(errors, "EACCES");
});

test("get names the program, if it has a name", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.path;
  const named = { ...counter, name: "till" };
  await using manager = await StateManager.open(path, "till.wal.jsonl", named, {
    compaction: "manual",
  });
  await manager.apply({ by: 1 });
  const initial = await runHere(["get", path]);
  assertStringIncludes(initial.errors, '1 later mutation of the program "till" is not in it');
  for (let i = 0; i < 3; i++) {
    await manager.apply({ by: 1 });
    await manager.compact();
  }
  for (const name of await readdir(path)) {
    if (name.endsWith(".snapshot.jsonl")) await writeFile(directory.join(name), "rotten");
  }
  const none = await runHere(["get", path]);
  assertEquals([none.code, none.output], [1, ""]);
  assertStringIncludes(none.errors, 'The program "till" can make the state');
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
