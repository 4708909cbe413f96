// Tests what is reported of a value that is not JSON.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { findJsonFlaw } from "../../src/format/json.ts";

test("findJsonFlaw() names a class that hides its constructor", () => {
  const hidden = Object.create(
    Object.create(Object.prototype, { constructor: { value: undefined } }),
  );
  assertEquals(findJsonFlaw(hidden)?.found, "an object of class unknown");
});

test("findJsonFlaw() passes over what an object inherits, as JSON does", () => {
  // The `Object.prototype` of another realm, to which a program added members that are not JSON.
  const realm = Object.assign(Object.create(null), {
    isPrototypeOf: () => false,
    added: undefined,
    list: [NaN],
  });
  const value = Object.assign(Object.create(realm), { own: 1 });
  assertEquals(findJsonFlaw(value), null);
  assertEquals(JSON.stringify(value), '{"own":1}');
  value.list = [NaN];
  assertEquals(findJsonFlaw(value), { place: ".list[0]", found: "the number NaN" });
});
