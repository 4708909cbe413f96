// Tests what the small parts do with input that no file of ours, and hardly any caller, brings about.

import { test } from "node:test";
import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import type { DurableFile } from "@ministate/ministate";
import { crc32 } from "node:zlib";
import { detectFs } from "../../runtime/detect.ts";
import { applyPatch } from "../../cli/document.ts";
import { describeError, exitCodeOf } from "../../cli/exit.ts";
import { findingText } from "../../cli/inspect_command.ts";
import { isSameJson } from "../../cli/json_members.ts";
import { noPaint } from "../../cli/text.ts";
import { closeAfterFailure } from "../../src/disk/close_file.ts";
import { IoError, PoisonedError } from "../../src/errors.ts";
import { ioError } from "../../src/failures.ts";
import { findJsonFlaw } from "../../src/format/json.ts";
import { parseExactly } from "../../src/format/json_parse.ts";
import { parentOf, segmentFile, sortNames } from "../../src/disk/names.ts";
import { parseBatch } from "../../src/format/batch_scan.ts";
import { readControlLine } from "../../src/format/scan.ts";
import { encodeState } from "../../src/format/snapshot_encode.ts";
import { SegmentWriter } from "../../src/journal/segment_writer.ts";
import { discard, writeFully } from "../../src/disk/file_io.ts";
import { batchLines, controlLine, segmentHeader } from "../support/files.ts";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

const encode = (text: string) => new TextEncoder().encode(text);

test("ioError() says what was thrown when it was no error", () => {
  const error = ioError("read", "/a", "just text");
  assertInstanceOf(error, IoError);
  assertEquals(error.message, 'Cannot read "/a": failed: just text');
});

test("describeError() takes anything that was thrown", () => {
  for (const thrown of [new RangeError("a bug"), "a bug", { message: "a bug", code: 5 }]) {
    const report = describeError(thrown);
    assertEquals([report.code, report.message, exitCodeOf(report)], ["INTERNAL", "a bug", 70]);
  }
  assertEquals(describeError(systemError("ENOSPC")).systemCode, "ENOSPC");
});

test("closeAfterFailure() and discard() keep quiet about errors of closing, and pass on what is none", async () => {
  const failing = (thrown: unknown) => ({
    close() {
      throw thrown;
    },
  });
  await closeAfterFailure(failing(new Error("closing fails")));
  const passed = await closeAfterFailure(failing("no error")).catch((thrown) => thrown);
  assertEquals(passed, "no error");
  const fs = await detectFs();
  await discard(fs, failing(new Error("closing fails")) as unknown as DurableFile, "/nowhere");
  const discarded = await discard(fs, failing("no error") as unknown as DurableFile, "/nowhere")
    .catch((thrown) => thrown);
  assertEquals(discarded, "no error");
});

test("writeFully() fails with ENOSPC when a device takes nothing and reports nothing", async () => {
  const file = { write: () => 0 } as unknown as DurableFile;
  const error = await assertRejects(async () => await writeFully(file, encode("text"), 0));
  assertEquals((error as { code?: string }).code, "ENOSPC");
});

test("parentOf() ends at roots and at the current directory", () => {
  const parents = ["/", "//", ".", "", "a", "/a", "a/b/", "../a"].map(parentOf);
  assertEquals(parents, [null, null, null, null, ".", "/", "a", ".."]);
});

test("sortNames() leaves a directory alone that has the name of an unfinished file", () => {
  const name = "test-0000000000000001.wal.jsonl.tmp";
  assertEquals(sortNames("/s", "test", [{ name, kind: "directory" }]).temporary, []);
  assertEquals(sortNames("/s", "test", [{ name, kind: "file" }]).temporary, [`/s/${name}`]);
});

test("findJsonFlaw() names a class that hides its constructor", () => {
  const hidden = Object.create(
    Object.create(Object.prototype, { constructor: { value: undefined } }),
  );
  assertEquals(findJsonFlaw(hidden)?.found, "an object of class unknown");
});

test("parseExactly() throws SyntaxError when a string with an escape doesn't end", () => {
  for (const text of ['"\\', '{"a":"\\"', '{"a\\"']) {
    assertThrows(() => parseExactly(text), SyntaxError);
  }
});

test("readControlLine() gives null when the checksum is right and the line is not JSON", () => {
  const open = '{"seal":nonsense';
  const line = `${open},"crc":"${crc32(open).toString(16).padStart(8, "0")}"}`;
  assertEquals(readControlLine(encode(line), crc32, 0), null);
  assertEquals(
    readControlLine(encode(controlLine({ seal: 1 }).trimEnd()), crc32, 0)?.content.seal,
    1,
  );
});

test("parseBatch() gives null when the lines contradict each other", () => {
  const text = batchLines(1, ["a", "b", "c"], 5, 0);
  assertEquals(parseBatch(text.trimEnd(), 0, text.length)?.mutations, ["a", "b", "c"]);
  for (const wrong of ["[1,1]", "[3,1]", "[2]", "[2,1,1]", "2"]) {
    assertEquals(parseBatch(text.trimEnd().replace('[2,"b"]', wrong), 0, text.length), null, wrong);
  }
});

test("encodeState() refuses an object of a class when it is too large for a line", () => {
  class Large {
    [key: string]: number;
  }
  const large = new Large();
  for (let i = 0; i < 20_000; i++) large[`key ${i}`] = i;
  assertThrows(() => [...encodeState({ large })], Error, "large");
});

test("applyPatch() says what it got in place of an operation", () => {
  const messageOf = (patch: unknown) => {
    try {
      applyPatch({}, patch);
    } catch (error) {
      return (error as Error).message;
    }
  };
  assertMatch(messageOf([undefined])!, /must be an object, got nothing$/);
  assertMatch(messageOf([{ path: "/a" }])!, /"op" must be one of .*, got none$/);
});

test("isSameJson() tells an array from an object with the same members", () => {
  assertEquals(isSameJson(["a"], { 0: "a" }), false);
  assertEquals(isSameJson([], {}), false);
  assertEquals(isSameJson({ a: 1 }, { a: 1, b: 2 }), false);
});

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

test("SegmentWriter refuses to write a seal when a sync has failed", async () => {
  await using directory = await temporaryDirectory();
  let fails = false;
  const fs = await wrapFs(({ name }) => {
    if (fails && name.startsWith("sync")) throw systemError("EIO");
  });
  const named = segmentFile({ directory: directory.path, stem: "test", edition: 1 }, 1);
  const writer = await SegmentWriter.create(fs, directory.path, named, segmentHeader, true);
  fails = true;
  const error = await assertRejects(
    async () => await writer.append(encode("[1]\n")),
    PoisonedError,
  );
  fails = false;
  assertEquals(await writer.writeSeal(1).catch((cause) => cause), error);
  await writer.close();
});

test("open() says what it got when an option is no JSON", async () => {
  await using directory = await temporaryDirectory();
  const cases: [unknown, string][] = [[NaN, "NaN"], [5n, "5"], [Symbol("x"), "Symbol(x)"], [
    "5",
    '"5"',
  ]];
  for (const [value, found] of cases) {
    const options = { compactionSize: value as number };
    const error = await openLedger(directory.path, options).catch((cause) => cause);
    assertEquals(error.message.endsWith(`, got ${found}`), true, error.message);
  }
});
