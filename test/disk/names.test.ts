// Tests what the names in a state directory mean, and where a path ends.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { parentOf, sortNames } from "../../src/disk/names.ts";

test("parentOf() ends at roots and at the current directory", () => {
  const parents = ["/", "//", ".", "", "a", "/a", "a/b/", "../a"].map(parentOf);
  assertEquals(parents, [null, null, null, null, ".", "/", "a", ".."]);
});

test("sortNames() ignores a directory that has the name of an unfinished file", () => {
  const name = "test-0000000000000001.wal.jsonl.tmp";
  assertEquals(sortNames("/s", "test", [{ name, kind: "directory" }]).temporary, []);
  assertEquals(sortNames("/s", "test", [{ name, kind: "file" }]).temporary, [`/s/${name}`]);
});
