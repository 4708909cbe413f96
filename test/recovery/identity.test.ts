// Tests whose files the headers say they are, and what is made of headers that can't be read.

import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { segmentFile } from "../../src/disk/names.ts";
import { IoError } from "../../src/errors.ts";
import { segmentHeader } from "../../src/journal/journal_identity.ts";
import { type HeaderFacts, identityOf } from "../../src/recovery/identity.ts";
import { IDENTITY } from "../support/segment.ts";

/** A segment that the disk refuses to give. */
function refused(first: number): HeaderFacts {
  const file = segmentFile(IDENTITY, first);
  return { file, header: null, refusal: new IoError("refused", { path: file.path }) };
}

test("identityOf() blames a single file that can't be read, and the disk when no file of several can", () => {
  assertEquals(identityOf([refused(1)]), null);
  assertThrows(() => identityOf([refused(1), refused(3)]), IoError, "refused");
});

test("identityOf() goes by the headers that can be read", () => {
  const header = segmentHeader(IDENTITY, 3, { checksum: null }, 0);
  const sound = { file: segmentFile(IDENTITY, 3), header, refusal: null };
  assertEquals(identityOf([refused(1), sound])?.id, IDENTITY.id);
});
