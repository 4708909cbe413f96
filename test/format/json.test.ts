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
