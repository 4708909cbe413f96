// Tests how the size of pieces follows the time that they take, by a clock that the test moves.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import type { DurableFs } from "../../src/durable_fs.ts";
import { PIECE_SIZE_MIN, piecesOf, TimedPieces } from "../../src/disk/pieces.ts";

const MEBIBYTE = 2 ** 20;

/** Pieces on a machine that works on so many bytes in a millisecond. */
function onMachine(bytesPerMs: number, budgetMs: number) {
  const machine = { bytesPerMs, budgetMs, now: 0 };
  const done: number[] = [];
  const pieces = new TimedPieces({ now: () => machine.now } as unknown as DurableFs, {
    budgetMs: () => machine.budgetMs,
    onPiece: (size) => done.push(size),
  });
  /** Works on a piece; returns its size. */
  const work = () => {
    const { size } = pieces;
    pieces.begin();
    machine.now += size / machine.bytesPerMs;
    pieces.end(size);
    return size;
  };
  return { machine, pieces, done, work };
}

test("pieces begin small and at most double, until they take as long as they should", () => {
  const { done, work } = onMachine(256 * 1024, 1);
  for (let i = 0; i < 6; i++) work();
  assertEquals(done.map((size) => size / 1024), [16, 32, 64, 128, 256, 256]);
});

test("pieces get larger and smaller with the time that they may take", () => {
  const { machine, work } = onMachine(128 * 1024, 1);
  for (let i = 0; i < 10; i++) work();
  machine.budgetMs = 4;
  for (let i = 0; i < 2; i++) work();
  assertEquals(work(), MEBIBYTE / 2);
  machine.budgetMs = 0.25;
  assertEquals(work(), MEBIBYTE / 32);
});

test("pieces get smaller where the machine gets slower, within limits", () => {
  const { machine, work } = onMachine(1e9, 4);
  for (let i = 0; i < 10; i++) work();
  assertEquals(work(), MEBIBYTE);
  machine.bytesPerMs = 1;
  for (let i = 0; i < 3; i++) work();
  assertEquals(work(), PIECE_SIZE_MIN);
});

test("the time of a second part of the work counts, and its bytes don't", () => {
  const { machine, pieces, done, work } = onMachine(256 * 1024, 1);
  const workTwice = () => {
    const size = work();
    pieces.begin();
    machine.now += size / machine.bytesPerMs;
    pieces.end(0);
  };
  for (let i = 0; i < 10; i++) workTwice();
  assertEquals(done.length, 10);
  const { size } = pieces;
  assert(size > 100 * 1024 && size <= 128 * 1024, `${size}`);
});

test("piecesOf() gives pieces of one size, however long they take", () => {
  const pieces = piecesOf(1000);
  pieces.begin();
  pieces.end(1000);
  assertEquals(pieces.size, 1000);
});
