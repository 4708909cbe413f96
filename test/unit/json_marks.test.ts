// Names that stand in for escaped keys while JSON is read must differ from every string in the text.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { parseExactly } from "../../src/format/json_parse.ts";

for (const count of [0, 1, 9, 10, 11, 100, 101, 1001]) {
  test(`parseExactly() keeps every key when ${count} of the names that could stand in for one are taken`, () => {
    const taken = Array.from({ length: count }, (_, i) => `"_${i}_0":${i},"_${i}_":{}`);
    const text = `{${['"\\u0061":"escaped"', ...taken, '"\\"":"last"'].join(",")}}`;
    assertEquals(parseExactly(text), JSON.parse(text));
    assertEquals(Object.keys(parseExactly(text) as object), Object.keys(JSON.parse(text)));
  });
}
