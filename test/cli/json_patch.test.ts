// Tests the document's two kinds of patch against the examples of their RFCs, and beyond them.

import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { applyPatch } from "../../cli/document.ts";
import { parsePointer, PatchError } from "../../cli/json_pointer.ts";
import { applyMergePatch } from "../../cli/merge_patch.ts";
import { isSameJson } from "../../cli/json_members.ts";

/** A result of `null` stands for "refused". */
type Row = [name: string, document: string, patch: string, after: string | null];

const RFC_6902: Row[] = [
  [
    "A.1 adds a member",
    `{"foo":"bar"}`,
    `[{"op":"add","path":"/baz","value":"qux"}]`,
    `{"foo":"bar","baz":"qux"}`,
  ],
  [
    "A.2 adds an item",
    `{"foo":["bar","baz"]}`,
    `[{"op":"add","path":"/foo/1","value":"qux"}]`,
    `{"foo":["bar","qux","baz"]}`,
  ],
  [
    "A.3 removes a member",
    `{"baz":"qux","foo":"bar"}`,
    `[{"op":"remove","path":"/baz"}]`,
    `{"foo":"bar"}`,
  ],
  [
    "A.4 removes an item",
    `{"foo":["bar","qux","baz"]}`,
    `[{"op":"remove","path":"/foo/1"}]`,
    `{"foo":["bar","baz"]}`,
  ],
  [
    "A.5 replaces a value",
    `{"baz":"qux","foo":"bar"}`,
    `[{"op":"replace","path":"/baz","value":"boo"}]`,
    `{"baz":"boo","foo":"bar"}`,
  ],
  [
    "A.6 moves a value",
    `{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}`,
    `[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]`,
    `{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}`,
  ],
  [
    "A.7 moves an item",
    `{"foo":["all","grass","cows","eat"]}`,
    `[{"op":"move","from":"/foo/1","path":"/foo/3"}]`,
    `{"foo":["all","cows","eat","grass"]}`,
  ],
  [
    "A.8 tests values",
    `{"baz":"qux","foo":["a",2,"c"]}`,
    `[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]`,
    `{"baz":"qux","foo":["a",2,"c"]}`,
  ],
  [
    "A.9 refuses a test that fails",
    `{"baz":"qux"}`,
    `[{"op":"test","path":"/baz","value":"bar"}]`,
    null,
  ],
  [
    "A.10 adds a nested object",
    `{"foo":"bar"}`,
    `[{"op":"add","path":"/child","value":{"grandchild":{}}}]`,
    `{"foo":"bar","child":{"grandchild":{}}}`,
  ],
  [
    "A.11 ignores members it doesn't know",
    `{"foo":"bar"}`,
    `[{"op":"add","path":"/baz","value":"qux","xyz":123}]`,
    `{"foo":"bar","baz":"qux"}`,
  ],
  [
    "A.12 refuses a parent that isn't there",
    `{"foo":"bar"}`,
    `[{"op":"add","path":"/baz/bat","value":"qux"}]`,
    null,
  ],
  [
    "A.13 refuses an operation it doesn't know",
    `{"foo":"bar"}`,
    `[{"op":"fetch","path":"/baz"}]`,
    null,
  ],
  [
    "A.14 reads ~01 as ~1",
    `{"/":9,"~1":10}`,
    `[{"op":"test","path":"/~01","value":10}]`,
    `{"/":9,"~1":10}`,
  ],
  [
    "A.15 distinguishes strings from numbers",
    `{"/":9,"~1":10}`,
    `[{"op":"test","path":"/~01","value":"10"}]`,
    null,
  ],
  [
    "A.16 adds an array as one item",
    `{"foo":["bar"]}`,
    `[{"op":"add","path":"/foo/-","value":["abc","def"]}]`,
    `{"foo":["bar",["abc","def"]]}`,
  ],
];

const BEYOND: Row[] = [
  ["add replaces the whole document", `{"a":1}`, `[{"op":"add","path":"","value":[1]}]`, `[1]`],
  [
    "replace replaces the whole document",
    `{"a":1}`,
    `[{"op":"replace","path":"","value":null}]`,
    `null`,
  ],
  ["remove refuses the whole document", `{"a":1}`, `[{"op":"remove","path":""}]`, null],
  ["add replaces a member", `{"a":1}`, `[{"op":"add","path":"/a","value":2}]`, `{"a":2}`],
  [
    "add takes the place after the last item",
    `[1]`,
    `[{"op":"add","path":"/1","value":2}]`,
    `[1,2]`,
  ],
  ["add refuses a place further on", `[1]`, `[{"op":"add","path":"/2","value":2}]`, null],
  ["add refuses a leading zero", `[1,2]`, `[{"op":"add","path":"/01","value":2}]`, null],
  ["add refuses a name in an array", `[1,2]`, `[{"op":"add","path":"/length","value":0}]`, null],
  ["add refuses a negative place", `[1,2]`, `[{"op":"add","path":"/-1","value":0}]`, null],
  ["replace refuses the end of an array", `[1]`, `[{"op":"replace","path":"/-","value":2}]`, null],
  ["replace refuses what isn't there", `{"a":1}`, `[{"op":"replace","path":"/b","value":2}]`, null],
  ["remove refuses what isn't there", `{"a":1}`, `[{"op":"remove","path":"/b"}]`, null],
  ["remove refuses an item that isn't there", `[1]`, `[{"op":"remove","path":"/1"}]`, null],
  ["- is a name in an object", `{}`, `[{"op":"add","path":"/-","value":2}]`, `{"-":2}`],
  ["the empty name is a name", `{}`, `[{"op":"add","path":"/","value":2}]`, `{"":2}`],
  [
    "move refuses a place inside itself",
    `{"a":{"b":1}}`,
    `[{"op":"move","from":"/a","path":"/a/c"}]`,
    null,
  ],
  [
    "move to the same place changes nothing",
    `{"a":{"b":1}}`,
    `[{"op":"move","from":"/a","path":"/a"}]`,
    `{"a":{"b":1}}`,
  ],
  [
    "move takes a beginning of a name for another name",
    `{"a":1}`,
    `[{"op":"move","from":"/a","path":"/ab"}]`,
    `{"ab":1}`,
  ],
  ["move refuses what isn't there", `{"a":1}`, `[{"op":"move","from":"/b","path":"/c"}]`, null],
  [
    "move makes a part the whole",
    `{"a":{"b":1}}`,
    `[{"op":"move","from":"/a","path":""}]`,
    `{"b":1}`,
  ],
  [
    "copy is independent of its source",
    `{"a":{"b":1}}`,
    `[{"op":"copy","from":"/a","path":"/c"},{"op":"replace","path":"/c/b","value":2}]`,
    `{"a":{"b":1},"c":{"b":2}}`,
  ],
  [
    "copy goes into itself",
    `{"a":{"b":1}}`,
    `[{"op":"copy","from":"/a","path":"/a/c"}]`,
    `{"a":{"b":1,"c":{"b":1}}}`,
  ],
  [
    "test doesn't mind the order of members",
    `{"a":{"x":1,"y":[{}]}}`,
    `[{"op":"test","path":"/a","value":{"y":[{}],"x":1}}]`,
    `{"a":{"x":1,"y":[{}]}}`,
  ],
  [
    "test distinguishes an array from an object",
    `{"a":[]}`,
    `[{"op":"test","path":"/a","value":{}}]`,
    null,
  ],
  ["test needs a value", `{"a":1}`, `[{"op":"test","path":"/a"}]`, null],
  ["add needs a value", `{"a":1}`, `[{"op":"add","path":"/b"}]`, null],
  ["null is a value", `{"a":1}`, `[{"op":"add","path":"/b","value":null}]`, `{"a":1,"b":null}`],
  ["a path is a string", `{"a":1}`, `[{"op":"remove","path":1}]`, null],
  ["a path begins with a slash", `{"a":1}`, `[{"op":"remove","path":"a"}]`, null],
  ["a tilde is escaped", `{"~":1}`, `[{"op":"remove","path":"/~"}]`, null],
  ["move needs from", `{"a":1}`, `[{"op":"move","path":"/b"}]`, null],
  ["an operation is an object", `{"a":1}`, `[["add"]]`, null],
  ["op is not inherited", `{"a":1}`, `[{"op":"constructor","path":"/a"}]`, null],
  ["a scalar has no members", `{"a":1}`, `[{"op":"add","path":"/a/b","value":1}]`, null],
  ["a string has no members", `{"a":"text"}`, `[{"op":"test","path":"/a/length","value":4}]`, null],
  ["an empty patch changes nothing", `{"a":1}`, `[]`, `{"a":1}`],
  [
    "inherited names aren't there",
    `{}`,
    `[{"op":"test","path":"/constructor/name","value":"Object"}]`,
    null,
  ],
  [
    "constructor is a name",
    `{"constructor":1}`,
    `[{"op":"replace","path":"/constructor","value":2}]`,
    `{"constructor":2}`,
  ],
  ["toString is a name", `{}`, `[{"op":"add","path":"/toString","value":2}]`, `{"toString":2}`],
  [
    "__proto__ is a name",
    `{}`,
    `[{"op":"add","path":"/__proto__","value":{"a":1}},{"op":"add","path":"/__proto__/b","value":2}]`,
    `{"__proto__":{"a":1,"b":2}}`,
  ],
  ["__proto__ isn't there", `{}`, `[{"op":"add","path":"/__proto__/polluted","value":1}]`, null],
  ["__proto__ can be removed", `{"__proto__":1}`, `[{"op":"remove","path":"/__proto__"}]`, `{}`],
  [
    "__proto__ can be copied in a value",
    `{"a":{"__proto__":{"x":1}}}`,
    `[{"op":"copy","from":"/a","path":"/b"}]`,
    `{"a":{"__proto__":{"x":1}},"b":{"__proto__":{"x":1}}}`,
  ],
];

for (const [name, document, patch, after] of [...RFC_6902, ...BEYOND]) {
  test(`applyPatch() with a JSON Patch: ${name}`, () => {
    const state = JSON.parse(document);
    if (after === null) {
      assertThrows(() => applyPatch(state, JSON.parse(patch)), PatchError);
      assertEquals(JSON.stringify(state), document);
    } else assertEquals(JSON.stringify(applyPatch(state, JSON.parse(patch))), after);
    assert(!("polluted" in {}));
  });
}

/** The table of RFC 7396, appendix A: original, patch, result. */
const RFC_7396: [string, string, string][] = [
  [`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`],
  [`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`],
  [`{"a":"b"}`, `{"a":null}`, `{}`],
  [`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`],
  [`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`],
  [`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`],
  [`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`],
  [`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`],
  [`["a","b"]`, `["c","d"]`, `["c","d"]`],
  [`{"a":"b"}`, `["c"]`, `["c"]`],
  [`{"a":"foo"}`, `null`, `null`],
  [`{"a":"foo"}`, `"bar"`, `"bar"`],
  [`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`],
  [`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`],
  [`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`],
  // Beyond the table.
  [`{}`, `{"__proto__":{"polluted":1}}`, `{"__proto__":{"polluted":1}}`],
  [`{"__proto__":{"a":1}}`, `{"__proto__":{"b":2}}`, `{"__proto__":{"a":1,"b":2}}`],
  [`{"__proto__":1,"a":1}`, `{"__proto__":null}`, `{"a":1}`],
  [
    `{}`,
    `{"constructor":{"prototype":{"polluted":1}}}`,
    `{"constructor":{"prototype":{"polluted":1}}}`,
  ],
];

for (const [document, patch, after] of RFC_7396) {
  test(`applyMergePatch() makes ${after} of ${document} and ${patch}`, () => {
    assertEquals(JSON.stringify(applyMergePatch(JSON.parse(document), JSON.parse(patch))), after);
    assert(!("polluted" in {}));
  });
}

test("applyPatch() leaves the document unchanged when any operation of a patch fails", () => {
  const before = `{"list":[1,2,3],"map":{"a":{"b":1}},"text":"t"}`;
  const steps = [
    { op: "add", path: "/list/0", value: 0 },
    { op: "remove", path: "/list/2" },
    { op: "replace", path: "/list/0", value: 9 },
    { op: "add", path: "/list/-", value: 4 },
    { op: "add", path: "/map/new", value: { deep: [] } },
    { op: "add", path: "/map/new/deep/-", value: 1 },
    { op: "move", from: "/map/a", path: "/moved" },
    { op: "remove", path: "/map" },
    { op: "add", path: "/map", value: {} },
    { op: "copy", from: "/moved", path: "/list/1" },
    { op: "replace", path: "/text", value: null },
    { op: "add", path: "/__proto__", value: { a: 1 } },
    { op: "replace", path: "", value: [] },
  ];
  for (let count = 1; count <= steps.length; count++) {
    const document = JSON.parse(before);
    const patch = [...steps.slice(0, count), { op: "remove", path: "/nowhere" }];
    const error = assertThrows(
      () => applyPatch(document, JSON.parse(JSON.stringify(patch))),
      PatchError,
    );
    assert(error.message.startsWith(`operation ${count + 1}: `), error.message);
    assertEquals(JSON.stringify(document), before, `after ${count} steps`);
    assertEquals(Object.getPrototypeOf(document), Object.prototype);
  }
});

test("applyPatch() leaves members in their order when a patch fails", () => {
  const before = `{"a":1,"__proto__":{"x":1,"y":[{"p":1,"q":2}],"z":3},"c":{"d":4,"e":5},"f":6}`;
  const patches = [
    [{ op: "remove", path: "/a" }, { op: "remove", path: "/c" }],
    [{ op: "remove", path: "/f" }, { op: "remove", path: "/a" }, {
      op: "add",
      path: "/f",
      value: 1,
    }],
    [{ op: "remove", path: "/__proto__" }],
    [{ op: "remove", path: "/__proto__/x" }, { op: "move", from: "/__proto__/y", path: "/a" }],
    [{ op: "remove", path: "/__proto__/y/0/p" }, { op: "remove", path: "/__proto__" }],
    [{ op: "move", from: "/c/d", path: "/c/g" }, { op: "move", from: "/a", path: "/c/d" }],
    [{ op: "add", path: "/g", value: 1 }, { op: "remove", path: "/a" }, {
      op: "remove",
      path: "/g",
    }],
    [{ op: "remove", path: "/a" }, { op: "replace", path: "", value: 1 }],
    [{ op: "move", from: "/a", path: "" }],
  ];
  for (const patch of patches) {
    const document = JSON.parse(before);
    const failing = [...patch, { op: "remove", path: "/nowhere/at/all" }];
    assertThrows(() => applyPatch(document, JSON.parse(JSON.stringify(failing))), PatchError);
    assertEquals(JSON.stringify(document), before, JSON.stringify(patch));
  }
  // A move that is the last operation fails where it would put the value.
  for (const path of ["/nowhere/at", "/a/b", "/__proto__/y/9"]) {
    const document = JSON.parse(before);
    assertThrows(() => applyPatch(document, [{ op: "move", from: "/a", path }]), PatchError);
    assertEquals(JSON.stringify(document), before, path);
  }
});

test("applyPatch() applies nothing of a patch with a malformed operation at its end", () => {
  const document = { a: 1 };
  const patch = [{ op: "add", path: "/b", value: 2 }, { op: "add", path: "/c" }];
  assertThrows(() => applyPatch(document, patch), PatchError, '"add" lacks "value"');
  assertEquals(document, { a: 1 });
});

test("applyPatch() refuses what is neither kind of patch", () => {
  for (const patch of [null, 1, "text", true]) {
    assertThrows(() => applyPatch({}, patch), PatchError);
  }
});

test("applyPatch() refuses copies that would fill the memory", () => {
  let document: unknown = { a: "x".repeat(1000) };
  assertThrows(
    () => {
      for (let i = 0; i < 40; i++) {
        document = applyPatch(document, [{ op: "copy", from: "", path: `/${i}` }]);
      }
    },
    PatchError,
    "too large to be copied",
  );
  assert(JSON.stringify(document).length < 4 * 1024 * 1024);
});

test("applyPatch() refuses to nest deeper than a snapshot can hold", () => {
  const nested = (depth: number) => JSON.parse("[".repeat(depth) + "]".repeat(depth));
  const document = { a: nested(498) };
  const path = "/a" + "/0".repeat(497) + "/-";
  applyPatch(document, [{ op: "add", path, value: [] }]);
  assertThrows(
    () => applyPatch({ a: nested(498) }, [{ op: "add", path, value: nested(2) }]),
    PatchError,
    "nested deeper",
  );
});

test("parsePointer() cuts as RFC 6901 says", () => {
  assertEquals(parsePointer(""), []);
  assertEquals(parsePointer("/"), [""]);
  assertEquals(parsePointer("/a~1b/m~0n/ /c%d"), ["a/b", "m~n", " ", "c%d"]);
  assertEquals(parsePointer("/~01"), ["~1"]);
  for (const wrong of ["a", "#/a", "/~", "/~2", "/a~"]) {
    assertThrows(() => parsePointer(wrong), PatchError);
  }
});

test("applyPatch() says what it got in place of an operation", () => {
  const messageOf = (patch: unknown) => {
    try {
      applyPatch({}, patch);
    } catch (error) {
      return (error as Error).message;
    }
  };
  assertMatch(messageOf([undefined])!, /must be an object, got nothing$/);
  assertMatch(messageOf([{ path: "/a" }])!, /"op" must be one of .*, got none$/);
});

test("isSameJson() distinguishes an array from an object with the same members", () => {
  assertEquals(isSameJson(["a"], { 0: "a" }), false);
  assertEquals(isSameJson([], {}), false);
  assertEquals(isSameJson({ a: 1 }, { a: 1, b: 2 }), false);
});
