// Tests `verify --mutator`: a program from a file of the user, against what a directory keeps.

import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { StateManager } from "@ministate/ministate";
import { processMachine } from "../../cli/process/machine.ts";
import { errorOf, jsonOf, ministate } from "../support/command.ts";
import { runHere } from "../support/command_in_process.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary.ts";

const counter = {
  initial: () => ({ n: 0 }),
  apply: (state: { n: number }, { by }: { by: number }) => void (state.n += by),
};

/** A state of four mutations, with a snapshot of the third. */
async function makeState(path: string): Promise<void> {
  await using manager = await StateManager.open(path, "c.wal.jsonl", counter, {
    compaction: "manual",
  });
  for (const by of [1, 2, 3]) await manager.apply({ by });
  await manager.createSnapshot();
  await manager.apply({ by: 4 });
}

const MODULE = `
interface Counter { n: number }
export const times = (factor: number) => ({
  initial: (): Counter => ({ n: 0 }),
  apply: (state: Counter, { by }: { by: number }) => void (state.n += by * factor),
});
export default times(1);
export const doubling = () => times(2);
export const later = () => Promise.resolve(times(1));
export const strict = {
  ...times(1),
  apply(state: Counter, { by }: { by: number }) {
    if (by > 2) throw new RangeError("more than 2");
    state.n += by;
  },
};
export const odd = (value: unknown) => ({ ...times(1), apply: (state: any) => void (state.n = value) });
export const notANumber = odd(NaN), big = odd(5n), nothing = odd(undefined);
export const failing = () => { throw new TypeError("not today"); };
export const version = 3;
`;

async function prepared(): Promise<{ directory: TemporaryDirectory; path: string; file: string }> {
  const directory = await temporaryDirectory();
  const [path, file] = [directory.join("state"), directory.join("program.ts")];
  await makeState(path);
  await writeFile(file, MODULE);
  return { directory, path, file };
}

test("verify --mutator imports a TypeScript module, and exits 0 when it gives the same states", async () => {
  const { directory, path, file } = await prepared();
  await using _ = directory;
  const { code, output, errors } = await ministate("verify", path, "--mutator", file);
  assertEquals(
    [code, output, errors],
    [
      0,
      "the same: 4 mutations replayed from the beginning, 1 snapshot compared, up to sequence 4\n",
      "",
    ],
  );
  const report = await jsonOf("verify", path, "--mutator", file, "--export", "later");
  assertEquals(report, {
    directory: path,
    from: 0,
    to: 4,
    snapshots: 1,
    skipped: [],
    difference: null,
  });
});

test("verify --mutator exits 1 and says where the program gives another state, beside the program that is running", async () => {
  const { directory, path, file } = await prepared();
  await using _ = directory;
  await using _running = await StateManager.open(path, "c.wal.jsonl", counter);
  const args = ["verify", path, "--mutator", file, "--export", "doubling"];
  const { code, output } = await ministate(...args);
  assertEquals(code, 1);
  assertMatch(output, /^different: .* holds 6 at "\/n", and the program gives 12: one of the mu/);
  assertStringIncludes(output, "\n3 mutations replayed from the beginning, 1 snapshot compared");
  const { difference } = JSON.parse((await ministate(...args, "--json")).output);
  const { path: place, expected, found, sequenceFirst, sequenceLast, cause } = difference;
  assertEquals([place, expected, found, sequenceFirst, sequenceLast, cause], [
    "/n",
    6,
    12,
    1,
    3,
    null,
  ]);
});

test("verify --mutator names the mutation that the program refuses now", async () => {
  const { directory, path, file } = await prepared();
  await using _ = directory;
  const args = ["verify", path, "--mutator", file, "--export", "strict"];
  const { code, output } = await runHere(args);
  assertEquals(code, 1);
  assertMatch(output, /^different: The mutator refuses mutation 3: more than 2;/);
  const { difference } = JSON.parse((await runHere([...args, "--json"])).output);
  assertEquals([difference.sequenceFirst, difference.cause.code, difference.cause.sequence], [
    3,
    "MUTATOR_CHANGED",
    3,
  ]);
});

test("verify --mutator prints as JSON what a program gives that is not JSON", async () => {
  const { directory, path, file } = await prepared();
  await using _ = directory;
  for (const [name, found] of [["notANumber", null], ["big", "5n"], ["nothing", "undefined"]]) {
    const args = ["verify", path, "--mutator", file, "--export", name!, "--json"];
    const { code, output } = await runHere(args);
    assertEquals([code, JSON.parse(output).difference.found], [1, found], name!);
  }
});

test("verify --mutator says where it began, and which snapshots it could not compare", async () => {
  const { directory, path, file } = await prepared();
  await using _ = directory;
  {
    const options = { compaction: "manual" } as const;
    await using manager = await StateManager.open(path, "c.wal.jsonl", counter, options);
    await manager.compact();
    await manager.apply({ by: 5 });
    await manager.compact();
    await manager.apply({ by: 6 });
    await manager.createSnapshot();
  }
  const name = directory.join("state", "c-0000000000000005.snapshot.jsonl");
  await writeFile(name, "not a snapshot\n");
  const { code, output } = await runHere(["verify", path, "--mutator", file]);
  assertEquals(code, 0);
  const lines = output.split("\n");
  assertMatch(lines[0]!, /^not compared {2}.*5\.snapshot\.jsonl: /);
  assertEquals(
    lines[1],
    "the same: 2 mutations replayed from the snapshot of sequence 4, 1 snapshot compared, up to sequence 6",
  );
});

test("verify --mutator refuses a file that can't be imported or holds no mutator, and says why", async () => {
  const { directory, path, file } = await prepared();
  await using _ = directory;
  const broken = directory.join("broken.ts");
  await writeFile(broken, "export default {");
  const empty = directory.join("empty.ts");
  await writeFile(empty, "export {};\n");
  const exportOf = (name: string) => [file, "--export", name];
  const cases: [string[], RegExp][] = [
    [[directory.join("missing.ts")], /Cannot import ".*missing\.ts" with \w+ [\d.]+: .*ENOENT/],
    [[broken], /Cannot import ".*broken\.ts"/],
    [[empty], /has no export "default": it exports nothing/],
    [exportOf("timse"), /has no export "timse": it exports .*\btimes\b.*; name the mutator/],
    [
      exportOf("version"),
      /"version" of ".*" is neither a mutator nor a function that makes one: The/,
    ],
    [exportOf("failing"), /not today/],
  ];
  for (const [args, says] of cases) {
    const { code, errors, output } = await runHere(["verify", path, "--mutator", ...args]);
    assertEquals([code, output], [64, ""], String(args));
    assertMatch(errors, says);
  }
  const ended = await ministate("verify", path, "--mutator", broken, "--json");
  assertEquals([ended.code, errorOf(ended).code], [64, "NO_MUTATOR"]);
  const alone = await runHere(["verify", path, "--export", "times"]);
  assertEquals(alone.code, 64);
  assertStringIncludes(alone.errors, "--export needs --mutator");
});

test("verify --mutator needs a state, and imports nothing without one", async () => {
  await using directory = await temporaryDirectory();
  const machine = {
    ...processMachine(),
    load: () => Promise.reject(new Error("nothing needs to be imported")),
  };
  const { code, errors } = await runHere(["verify", directory.path, "--mutator", "m.ts"], {
    machine,
  });
  assertEquals(code, 4);
  assertStringIncludes(errors, "There is no state");
});
