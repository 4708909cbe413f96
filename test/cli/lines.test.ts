// Tests that lines come out the same however the input is cut into pieces.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { type InputLine, readInputLines } from "../../cli/lines.ts";

async function linesOf(bytes: Uint8Array, pieceSize: number, sizeMax = 100): Promise<InputLine[]> {
  async function* pieces() {
    // The same memory for every piece, as some runtimes do it.
    const piece = new Uint8Array(pieceSize);
    for (let at = 0; at < bytes.length; at += pieceSize) {
      const part = bytes.subarray(at, at + pieceSize);
      piece.set(part);
      yield piece.subarray(0, part.length);
    }
  }
  const lines: InputLine[] = [];
  for await (const some of readInputLines(pieces(), sizeMax)) lines.push(...some);
  return lines;
}

const encode = (text: string) => new TextEncoder().encode(text);

test("readLines() returns the same lines for pieces of any size", async () => {
  const input = encode('{"a":"ä€😀"}\n\nshort\nlast');
  for (let size = 1; size <= input.length; size++) {
    const lines = await linesOf(input, size);
    assertEquals(lines.map(({ text }) => text), ['{"a":"ä€😀"}', "", "short", "last"]);
    assertEquals(lines.map(({ number }) => number), [1, 2, 3, 4]);
    assertEquals(lines.map(({ flaw }) => flaw), [null, null, null, null]);
  }
});

test("readLines() reports a line over the limit and one that is not UTF-8, and continues after them", async () => {
  const input = new Uint8Array([...encode("x".repeat(500) + "\n"), 0xff, 0x0a, ...encode("ok\n")]);
  for (const size of [1, 7, 64, 1000]) {
    const lines = await linesOf(input, size);
    assertEquals(lines.map(({ number, text, flaw }) => [number, text, flaw === null]), [
      [1, "", false],
      [2, "", false],
      [3, "ok", true],
    ]);
  }
});

test("readLines() gives nothing for an empty input", async () => {
  assertEquals(await linesOf(new Uint8Array(), 10), []);
});
