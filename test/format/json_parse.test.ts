// Tests that our JSON is read exactly, also where V8's own JSON.parse confuses two keys.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { StateManager } from "@ministate/ministate";
import { parseExactly } from "../../src/format/json_parse.ts";
import { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { cpuTimeOf } from "../support/cpu_time.ts";
import { Random, testSeed } from "../support/random.ts";
import { drawJson } from "../support/random_json.ts";

const BACKSLASH = '"\\\\"';
const escapes = ["\\n", "\\r", "\\t", "\\b", "\\f", '\\"', "\\\\", "\\u0000", "\\u001f", "\\ud800"];

test("parseExactly() keeps keys that are one escape apart from a backslash seen before", () => {
  for (const escape of escapes) {
    for (const before of ["", '"p":0,', '"_x":{},', '"p":[],"__":"_\\n",']) {
      parseExactly(`{${before}${BACKSLASH}:1}`);
      const text = `[{${before}"${escape}":{"${escape}":["${escape}"]}}]`;
      assertEquals(JSON.stringify(parseExactly(text)), text);
    }
  }
});

const rows: string[] = [
  '{"__proto__":{"\\n":1}}',
  '{"\\n":{"__proto__":1}}',
  '["{\\"\\\\n\\":1}",{"\\n":2}]',
  '{"a,\\"\\\\":1,"\\\\":2}',
  '["\\n","\\\\",{"x":"\\n"}]',
  '{"a\\\\":1,"a\\n":2}',
  '{"k,":":\\n","b\\n":1,"c":"x,","d\\n":"{\\"e\\n\\":1"}',
  '{"2":1,"10":2,"\\n":3,"z":4}',
  '{"_":1,"__":2,"\\n":"_"}',
];

for (const text of rows) {
  test(`parseExactly() reads ${text} as it was written`, () => {
    parseExactly(`{${BACKSLASH}:1}`);
    const value = parseExactly(text);
    assertEquals(JSON.stringify(value), text);
    assertEquals(({} as Record<string, unknown>)["\n"], undefined);
  });
}

test("parseExactly() gives back what JSON.stringify() wrote", () => {
  const seed = testSeed("parseExactly");
  for (let round = 0; round < 500; round++) {
    const text = JSON.stringify(drawJson(new Random(seed + round)));
    assertEquals(JSON.stringify(parseExactly(text)), text);
  }
});

/** Texts that are made to leave no short name free for the escaped key. */
const taken: { name: string; value: unknown }[] = [
  { name: "a string is one long run of underscores", value: "_".repeat(200_000) },
  {
    name: "strings begin with ever longer runs of underscores",
    value: Array.from({ length: 1000 }, (_, i) => "_".repeat(i)),
  },
  {
    name: "strings begin with every number between underscores",
    value: Array.from({ length: 100_000 }, (_, i) => `_${i}_`),
  },
];

for (const { name, value } of taken) {
  test(`parseExactly() finishes in time when ${name}`, async () => {
    const text = JSON.stringify({ "\n": 1, value });
    let parsed: unknown;
    const took = await cpuTimeOf(() => parsed = parseExactly(text));
    assert(JSON.stringify(parsed) === text, "it reads something else");
    assert(took < 2000, `it took ${took} ms of computing`);
  });
}

test("parseExactly() throws SyntaxError when it is not JSON", () => {
  for (const text of ["", "{", '{"\\n":}', '{"\\n":1,}']) {
    assertThrows(() => parseExactly(text), SyntaxError);
  }
});

test("open() gives the acknowledged state back when keys are single escapes", async () => {
  const fs = new PowerCutDisk();
  const keeper = {
    initial: (): Record<string, unknown>[] => [],
    apply: (state: Record<string, unknown>[], value: Record<string, unknown>) => state.push(value),
  };
  const open = (disk: PowerCutDisk) =>
    StateManager.open("/state", "k.wal.jsonl", keeper, { fs: disk });
  const manager = await open(fs);
  const text: string[] = [];
  for (const key of ["\\", "\n", '"', "\\", "\u0000"]) {
    const mutation = { p: 0, [key]: key };
    text.push(JSON.stringify(mutation));
    await manager.apply(mutation);
  }
  assertEquals(JSON.stringify(manager.state), `[${text}]`);
  await manager.createSnapshot();
  await manager.close();
  const again = await open(fs.crash());
  assert(again.recovery.snapshot !== null);
  assertEquals(JSON.stringify(again.state), `[${text}]`);
  await again.close();
});

test("parseExactly() throws SyntaxError when a string with an escape doesn't end", () => {
  for (const text of ['"\\', '{"a":"\\"', '{"a\\"']) {
    assertThrows(() => parseExactly(text), SyntaxError);
  }
});

// Names that replace escaped keys while JSON is read must differ from every string in the text.
for (const count of [0, 1, 9, 10, 11, 100, 101, 1001]) {
  test(`parseExactly() keeps every key when ${count} of the names that could stand in for one are taken`, () => {
    const taken = Array.from({ length: count }, (_, i) => `"_${i}_0":${i},"_${i}_":{}`);
    const text = `{${['"\\u0061":"escaped"', ...taken, '"\\"":"last"'].join(",")}}`;
    assertEquals(parseExactly(text), JSON.parse(text));
    assertEquals(Object.keys(parseExactly(text) as object), Object.keys(JSON.parse(text)));
  });
}
