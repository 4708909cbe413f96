// Tests how members of objects are replaced while a mutator is checked, and put back.

import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { getter, value, withPatches } from "../../../testing/world/patches.ts";

test("withPatches() replaces members during a call, and restores exactly what was there", () => {
  const prototype = { inherited: 1 };
  const object = Object.defineProperties(Object.create(prototype), {
    own: { value: 1, configurable: true, enumerable: false, writable: false },
    // As the `crypto` of Bun: it can't be configured, but written.
    fixed: { value: 1, configurable: false, enumerable: true, writable: true },
    got: { get: () => 1, configurable: true, enumerable: true },
  });
  const before = Object.getOwnPropertyDescriptors(object);
  const keys = ["own", "fixed", "got", "inherited", "none"];
  const read = () => keys.map((key) => object[key]);
  const patches = [
    ...["own", "fixed", "inherited", "none"].map((key) => value(object, key, 2)),
    getter(object, "got", () => 2),
    value(object, "own", 3),
  ];
  assertEquals(withPatches(patches, read), [3, 2, 2, 2, 2]);
  assertEquals(Object.getOwnPropertyDescriptors(object), before);
  assertEquals(read(), [1, 1, 1, 1, undefined]);
  const failing = () => {
    throw new Error("in between");
  };
  assertThrows(() => withPatches(patches, failing), Error, "in between");
  assertEquals(Object.getOwnPropertyDescriptors(object), before);
});
