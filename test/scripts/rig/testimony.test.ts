// Tests the audit of the Raspberry Pi's lives, with made-up consoles and recovered readings.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { readLastLook } from "../../../scripts/rig/raspberry.ts";
import { auditLives, readTestimony, startsOf, unheardIn } from "../../../scripts/rig/testimony.ts";

const reading = (value: number) => ({ sensor: "load", value, unit: "tasks" });

/** A life that submits the readings from `first` to `sent`, and sees those to `acknowledged` acknowledged. */
function life(first: number, sent: number, acknowledged: number) {
  const numbers = Array.from({ length: sent - first + 1 }, (_, i) => first + i);
  return {
    sent: numbers.map(reading),
    acknowledged: numbers.filter((n) => n <= acknowledged)
      .map((sequence) => ({ sequence, reading: reading(sequence) })),
  };
}

/** What a reader finds in a directory with the readings from 1 to `count`. */
// deno-lint-ignore no-explicit-any
function found(count: number): any {
  const records = Array.from({ length: count }, (_, i) => ({
    sequence: i + 1,
    mutation: reading(i + 1),
  }));
  const load = { unit: "tasks", latest: count, minimum: 1, maximum: count, count, latestAt: 0 };
  return { recovery: { sequence: count }, records, state: { sensors: { load } } };
}

test("readTestimony() takes the keeper's whole lines and passes over the kernel's and the last half", () => {
  const console = [
    "[    1.0] random: crng init done",
    `{"sent":${JSON.stringify(reading(1))}}`,
    `{"acknowledged":1,"reading":${JSON.stringify(reading(1))}}`,
    '{"sent":{"sens',
  ].join("\n");
  assertEquals(readTestimony(console), { testimony: life(1, 1, 1), unreadable: null });
});

test("readTestimony() names a whole line that can't be read", () => {
  const { testimony, unreadable } = readTestimony('{"sent":{"sens[    9.1] oops\nmore');
  assertEquals(testimony, { sent: [], acknowledged: [] });
  assertEquals(unreadable, '{"sent":{"sens[    9.1] oops');
});

test("auditLives() finds nothing when every acknowledged reading is there", () => {
  const lives = [life(1, 5, 3), life(5, 9, 8)];
  assertEquals(startsOf(lives), [0, 4]);
  assertEquals(auditLives(lives, found(9)), []);
  assertEquals(unheardIn(lives, found(9)), 0);
});

test("auditLives() accepts readings that reached the card before their lines reached the console", () => {
  const lives = [life(1, 5, 3), life(8, 9, 8)];
  assertEquals(auditLives(lives, found(12)), []);
  assertEquals(unheardIn(lives, found(12)), 2 + 3);
});

test("auditLives() names what is lost, changed or never sent", () => {
  const lost = auditLives([life(1, 5, 5), life(5, 9, 8)], found(9));
  assertEquals(lost, ["5 acknowledged in life 1, only 4 recovered after it"]);
  const end = auditLives([life(1, 5, 3), life(5, 9, 8)], found(7));
  assertEquals(end[0], "8 acknowledged, only 7 recovered");
  const changed = found(9);
  changed.records[1].mutation = reading(77);
  assertEquals(auditLives([life(1, 5, 3), life(5, 9, 8)], changed).slice(0, 2), [
    "2 was not sent so in life 1",
    "the reading 2, acknowledged in life 1, is missing or changed",
  ]);
  const many = auditLives([life(1, 5, 3), life(150, 151, 150)], found(300));
  assertEquals(many, [
    "144 recovered, and never sent in life 1",
    "149 recovered, and never sent",
  ]);
  assertEquals(auditLives([life(1, 5, 0)], found(5)), ["life 1 acknowledged nothing"]);
});

test("readLastLook() takes the findings and what the command said", () => {
  const console = [
    "rig: verify",
    "sound: 1 segment",
    "rig: verify ended with 0",
    "verdict  sound",
    "rig: inspect ended with 0",
    JSON.stringify(found(1)),
    "rig: reader ended with 0",
    "rig: ended with 0",
  ].join("\n");
  assertEquals(readLastLook(console, true), {
    looked: "sound: 1 segment\nverdict  sound",
    found: found(1),
    problems: [],
  });
});

test("readLastLook() says what is wrong when a step failed or never came", () => {
  const torn = "rig: verify\ntorn\nrig: verify ended with 1\nrig: inspect ended with 0\n";
  assertEquals(readLastLook(torn, true).problems, [
    "the state did not open",
    "the reader printed nothing",
  ]);
  const corrupt = torn.replace("with 1", "with 2");
  assertEquals(readLastLook(corrupt, false).problems, [
    `the last look took too long:\n${corrupt}`,
    "verify found more than a torn tail",
    "the state did not open",
    "the reader printed nothing",
  ]);
});
