// Tests how `inspect` words a finding.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { findingText } from "../../cli/inspect_verify.ts";
import { noPaint } from "../../cli/text.ts";

test("findingText() leaves out the sequence and the place when there is none", () => {
  const finding = {
    severity: "notice" as const,
    path: "/s",
    offset: null,
    sequence: null,
    sequenceLast: null,
    reason: "odd",
    needed: false,
  };
  assertEquals(findingText(finding, noPaint), "notice  /s: odd");
});
