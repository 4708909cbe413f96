// Tests how a failure of the file system becomes an error of the library.

import { test } from "node:test";
import { assertEquals, assertInstanceOf } from "@std/assert";
import { IoError } from "../src/errors.ts";
import { ioError } from "../src/failures.ts";

test("ioError() says what was thrown when it was no error", () => {
  const error = ioError("read", "/a", "just text");
  assertInstanceOf(error, IoError);
  assertEquals(error.message, 'Cannot read "/a": failed: just text');
});
