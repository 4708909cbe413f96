// Tests which states are encoded while callers wait: those that take no longer than they may wait, by a clock that the
// test moves.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import type { DurableFs } from "../../src/durable_fs.ts";
import { InvalidStateError } from "../../src/errors.ts";
import { encodeState } from "../../src/format/snapshot_encode.ts";
import { LiveEncoding } from "../../src/state/live_encoding.ts";

const PIECE = "x".repeat(16 * 1024);

/** An encoding with a clock of its own, which it looks at after each piece. */
function onMachine(msPerLook: number) {
  const clock = { msPerLook, now: 0 };
  const fs = { now: () => clock.now += clock.msPerLook };
  const encoding = new LiveEncoding(fs as unknown as DurableFs);
  /** Whether a state of so many pieces is encoded. */
  const encodes = (count: number, isSizeKnown = true) => {
    const state = Array(count).fill(PIECE);
    const lines = encoding.encode(state, isSizeKnown ? count * PIECE.length : 0);
    if (lines !== null) assertEquals(lines, [...encodeState(state)]);
    return lines !== null;
  };
  return { clock, encoding, encodes };
}

test("encode() encodes a state whose size is not known for as long as callers may wait", () => {
  const { clock, encodes } = onMachine(0.5);
  assert(encodes(10, false));
  clock.now = 0;
  assert(!encodes(1000, false));
  assert(clock.now < 10, `it was given up after ${clock.now} ms`);
});

test("encode() doesn't begin with a state that would take too long", () => {
  const { clock, encodes } = onMachine(1);
  assert(encodes(5), "at first, 250 KiB are expected to be quick enough");
  clock.now = 0;
  assert(!encodes(100));
  assertEquals(clock.now, 0);
});

test("encode() encodes larger states once it has learned how fast the machine is", () => {
  const { clock, encoding, encodes } = onMachine(0.01);
  assert(!encodes(100), "not before");
  assert(encodes(10));
  assert(encodes(100));
  assert(!encodes(1000));
  // Faster still, as a rebuilt state showed.
  clock.msPerLook = 0.004;
  encoding.note(1000 * PIECE.length, 4);
  assert(encodes(1000));
});

test("encode() believes a single slow encoding only a little, and several of them", () => {
  const { clock, encodes } = onMachine(0.1);
  assert(encodes(10));
  clock.msPerLook = 10;
  assert(!encodes(35), "given up");
  clock.msPerLook = 0.1;
  assert(encodes(35), "the next one is tried all the same");
  clock.msPerLook = 10;
  for (let i = 0; i < 10; i++) encodes(10);
  clock.now = 0;
  assert(!encodes(35));
  assertEquals(clock.now, 0);
});

test("encode() learns nothing from small states, and never gives one up", () => {
  const { encoding, encodes } = onMachine(1e6);
  encoding.note(16 * 1024 - 1, 1e6);
  assert(encodes(0));
  for (let i = 0; i < 100; i++) encoding.note(1e6, 1e6);
  assertEquals(encoding.encode({ value: PIECE.slice(100) }, 16 * 1024)?.length, 1);
});

test("encode() takes a clock that shows no progress for a fast machine, and can learn otherwise", () => {
  const { encoding, encodes } = onMachine(0);
  assert(encodes(10));
  assert(encodes(1000));
  for (let i = 0; i < 60; i++) encoding.note(PIECE.length, 10);
  assert(!encodes(1000));
});

test("encode() throws when the state is not JSON, with the place in it", () => {
  const { encoding } = onMachine(0.01);
  const state = { fine: Array(100).fill(PIECE), deep: [{ when: new Date(0) }] };
  assertThrows(() => encoding.encode(state, 0), InvalidStateError, "$.deep[0].when");
});
