/**
 * Draws JSON values that are hard on encoders: weird keys, lone surrogates, deep and empty containers, long strings.
 *
 * @module
 */

import { parseExactly } from "../../src/format/json_parse.ts";
import type { Random } from "./random.ts";

const KEYS = [
  "",
  "a",
  "__proto__",
  "constructor",
  "0",
  "10",
  "2",
  "-1",
  "1e3",
  "length",
  "é",
  "\ud800",
  "\n",
  '"',
  "\\",
];

const STRINGS = [
  "",
  "plain",
  "\u0000\u001f\u007f\u2028\u2029",
  "\ud83d\ude00",
  "\ud800 alone",
  "alone \udfff",
  '"quoted" \\ and\nbroken',
  "01234567",
  '{"seal":1}',
  "[1,2]",
];

const NUMBERS = [0, -1, 1.5, 1e308, 5e-324, 2 ** 53 - 1, -0.1, 1e21];

/** Draws a value. */
export function drawJson(random: Random, depth = 0): unknown {
  const kind = random.below(depth > 6 ? 5 : 9);
  if (kind === 0) return null;
  if (kind === 1) return random.chance(0.5);
  if (kind === 2) return random.pick(NUMBERS);
  if (kind === 3) return random.pick(STRINGS);
  if (kind === 4) return random.pick(STRINGS).repeat(random.below(50));
  const count = random.below(6);
  if (kind < 7) return Array.from({ length: count }, () => drawJson(random, depth + 1));
  return drawObject(random, count, depth);
}

/** Draws an object; its keys are own members, whatever their names. */
export function drawObject(random: Random, count: number, depth = 0): Record<string, unknown> {
  const members = Array.from({ length: count }, () => {
    const key = random.pick(KEYS) + (random.chance(0.3) ? random.below(20) : "");
    return `${JSON.stringify(key)}:${JSON.stringify(drawJson(random, depth + 1))}`;
  });
  return parseExactly(`{${members.join(",")}}`) as Record<string, unknown>;
}
