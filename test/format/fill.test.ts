// Tests that reading skips exactly the line feeds written ahead, wherever they begin and end.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { skipLineFeeds } from "../../src/format/fill.ts";

test("skipLineFeeds() stops at the first other byte, wherever a run begins and ends", () => {
  for (let start = 0; start < 17; start++) {
    for (let size = 0; size < 26; size++) {
      const whole = new Uint8Array(start + size + 17).fill(0x5b);
      whole.fill(10, start, start + size);
      for (let cut = 0; cut <= start; cut++) {
        const bytes = whole.subarray(cut);
        assertEquals(skipLineFeeds(bytes, start - cut), start - cut + size);
        assertEquals(
          skipLineFeeds(bytes.subarray(0, start - cut + size), start - cut),
          start - cut + size,
        );
      }
    }
  }
});
