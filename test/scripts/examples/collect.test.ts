// Tests the checks of examples: which are found, which are refused, and which public symbols lack one.

import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { examplesIn, flawOf, withoutExample } from "../../../scripts/examples/collect.ts";

const fence = "```";
const docstring = `// A file.
/**
 * Adds.
 *
 * @example One and one
 * ${fence}ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(1 + 1, 2);
 * ${fence}
 */
export function add() {}
`;

test("examplesIn() gives the code of a docstring without its stars, and its line", () => {
  assertEquals(examplesIn("src/add.ts", docstring), [{
    place: "src/add.ts:6",
    code: 'import { assertEquals } from "@std/assert";\n\nassertEquals(1 + 1, 2);\n',
    asserts: true,
  }]);
});

test("examplesIn() gives the blocks of TypeScript in a document, except those to be ignored", () => {
  const text = ["# Title", `${fence}ts`, "run();", fence, `${fence}ts ignore`, "no();", fence];
  assertEquals(examplesIn("README.md", `${text.join("\n")}\n`), [
    { place: "README.md:2", code: "run();\n", asserts: false },
  ]);
});

test("flawOf() refuses an example that names a runtime, outside of comments", () => {
  const flaw = "names a runtime: it must run on all three as pasted";
  const of = (code: string) => flawOf({ place: "", code, asserts: false });
  assertEquals(of("await Deno.makeTempDir();"), flaw);
  assertEquals(of('import { tmpdir } from "node:os";'), flaw);
  assertEquals(of("run(); // ends the process. Deno can do it too"), "");
});

test("flawOf() refuses an example in a docstring that asserts nothing", () => {
  const code = "console.log(1);";
  assertEquals(flawOf({ place: "", code, asserts: true }), "asserts nothing");
  assertEquals(flawOf({ place: "", code, asserts: false }), "");
});

const bare = { location: { filename: "file:///a.ts", line: 1 } };
const shown = { ...bare, jsDoc: { tags: [{ kind: "returns" }, { kind: "example" }] } };

function doc(...symbols: { name: string; declarations: unknown[] }[]): string {
  return JSON.stringify({ nodes: { "file:///a.ts": { symbols } } });
}

test("withoutExample() names functions, classes and public methods that have no example", () => {
  const methods = [
    { ...bare, kind: "method", name: "bare" },
    { ...shown, kind: "method", name: "shown" },
    { ...bare, kind: "getter", name: "size" },
    { ...bare, kind: "method", name: "own", accessibility: "protected" },
  ];
  const json = doc(
    { name: "Bare", declarations: [{ ...bare, kind: "class", def: { methods } }] },
    { name: "Shown", declarations: [{ ...shown, kind: "class" }] },
    { name: "bare", declarations: [{ ...bare, kind: "function" }] },
    { name: "shown", declarations: [{ ...shown, kind: "function" }] },
    { name: "Options", declarations: [{ ...bare, kind: "interface" }] },
  );
  assertEquals(withoutExample(json), ["Bare", "Bare.bare()", "bare()"]);
});

test("withoutExample() is content with one example for all overloads", () => {
  const overloads = [{ ...shown, kind: "function" }, { ...bare, kind: "function" }];
  assertEquals(withoutExample(doc({ name: "check", declarations: overloads })), []);
});

test("withoutExample() throws when there is no symbol at all", () => {
  assertThrows(() => withoutExample(doc()), Error, "lists no symbol");
});
