// Tests what `patch` does when the journal refuses lines or fails, and what it shows a person meanwhile.

import { test } from "node:test";
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import {
  DiskFullError,
  PoisonedError,
  StateManager,
  type StateManagerOptions,
} from "@ministate/ministate";
import type { DocumentManager } from "../../cli/context.ts";
import { documentMutator } from "../../cli/document.ts";
import { PatchStream } from "../../cli/patch_stream.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { type Hook, systemError, wrapFs } from "../support/wrapped_fs.ts";
import { until } from "../support/until.ts";
import { runHere, Screen } from "../support/command_in_process.ts";

function openDocument(path: string, options: StateManagerOptions = {}): Promise<DocumentManager> {
  return StateManager.open(path, "document.wal.jsonl", documentMutator, options);
}

/** A stream into `manager`, and what it reports. */
function watch(manager: DocumentManager) {
  const reported: string[] = [];
  const stream = new PatchStream(manager, {
    acknowledged: (sequence) => reported.push(`${sequence}`),
    refused: (line, reason) => reported.push(`line ${line}: ${reason}`),
    notTaken: ({ first, last, code }) => reported.push(`lines ${first} to ${last}: ${code}`),
  });
  let number = 0;
  const add = (text: string) =>
    stream.add({ number: ++number, text, size: text.length, flaw: null });
  return { stream, reported, add };
}

/** A file system on which writing fails with `code` as often as `times` says. */
async function failing(code: string) {
  const failure = { times: 0 };
  const hook: Hook = ({ name }) => {
    if (name === "write" && failure.times-- > 0) throw systemError(code);
  };
  return { fs: await wrapFs(hook), failure };
}

test("PatchStream continues after a line that the journal refuses", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openDocument(directory.path, { recordSizeMax: 1024 });
  const { stream, reported, add } = watch(manager);
  await add('{"a":1}');
  await add(JSON.stringify({ long: "x".repeat(2000) }));
  await add('{"b":2}');
  await stream.settled();
  assertEquals([stream.acknowledged, stream.refused, stream.sequence], [2, 1, 2]);
  assertEquals(reported.filter((text) => text.startsWith("line")).length, 1);
  assertMatch(reported.join("\n"), /^line 2: .*1024/m);
  assertEquals(manager.snapshot(), { a: 1, b: 2 });
});

test("PatchStream ends when the disk is full, and names the line that was not accepted", async () => {
  await using directory = await temporaryDirectory();
  const { fs, failure } = await failing("ENOSPC");
  await using manager = await openDocument(directory.path, { fs, compaction: "manual" });
  const { stream, reported, add } = watch(manager);
  await add('{"a":1}');
  await stream.settled();
  // For the fill, and for a smaller one.
  failure.times = 2;
  await add('{"b":2}');
  await assertRejects(() => stream.settled(), DiskFullError);
  assertEquals(reported, ["1", "lines 2 to 2: DISK_FULL"]);
  assertEquals(manager.snapshot(), { a: 1 });
});

test("PatchStream ends when the disk fails, and names every line that was not accepted", async () => {
  await using directory = await temporaryDirectory();
  const { fs, failure } = await failing("EIO");
  const manager = await openDocument(directory.path, { fs, compaction: "manual" });
  const { stream, reported, add } = watch(manager);
  await add('{"a":1}');
  await stream.settled();
  failure.times = Infinity;
  await add('{"b":2}');
  await add('{"c":3}');
  // A JSON Patch waits for what is under way before it is tried on a copy.
  await assertRejects(() => add('[{"op":"add","path":"/d","value":4}]'), PoisonedError);
  assertEquals(reported, ["1", "lines 2 to 3: POISONED"]);
  await manager.close();
});

test("PatchStream accepts no more lines than may wait once the journal has failed", async () => {
  await using directory = await temporaryDirectory();
  const { fs, failure } = await failing("EIO");
  const manager = await openDocument(directory.path, { fs, compaction: "manual" });
  const { stream, reported, add } = watch(manager);
  failure.times = Infinity;
  let taken = 0;
  await assertRejects(async () => {
    for (; taken < 5000; taken++) await add('{"a":1}');
  }, PoisonedError);
  assertEquals(taken, 1024);
  await assertRejects(() => stream.settled(), PoisonedError);
  assertEquals([stream.refused, stream.acknowledged], [1024, 0]);
  assertEquals(reported, ["lines 1 to 1024: POISONED"]);
  await manager.close();
});

test("PatchStream ends when the journal fails with an error that is not ours", async () => {
  const manager = {
    sequence: 0,
    apply: () => Promise.reject(new Error("a bug")),
  } as unknown as DocumentManager;
  const { stream, reported, add } = watch(manager);
  await add('{"a":1}');
  await assertRejects(() => stream.settled(), Error, "a bug");
  assertEquals(reported, ["lines 1 to 1: failed"]);
});

test("PatchStream names the lines of the one batch that did not fit, and no other", async () => {
  await using directory = await temporaryDirectory();
  const { fs, failure } = await failing("ENOSPC");
  await using manager = await openDocument(directory.path, { fs, compaction: "manual" });
  const { stream, reported, add } = watch(manager);
  const taken: number[] = [];
  let given = 0;
  await assertRejects(async () => {
    for (; given < 5000; given++) {
      // For the fill, and for a smaller one.
      if (given === 1500) failure.times = 2;
      await add(`{"k${given + 1}":"${"x".repeat(100)}"}`);
    }
  }, DiskFullError);
  await assertRejects(() => stream.settled(), DiskFullError);
  for (const key of Object.keys(manager.snapshot() as object)) taken.push(Number(key.slice(1)));
  const [report, ...others] = reported.filter((text) => text.startsWith("lines"));
  const [first, last] = /^lines (\d+) to (\d+): DISK_FULL$/.exec(report!)!.slice(1).map(Number);
  assertEquals([others, stream.acknowledged, stream.refused], [
    [],
    taken.length,
    last! - first! + 1,
  ]);
  const rest = Array.from({ length: given }, (_, i) => i + 1).filter((n) => !taken.includes(n));
  assertEquals([rest.at(0), rest.at(-1), rest.length], [first, last, stream.refused]);
});

for (
  const [code, wanted] of [
    ["ENOSPC", "the journal did not accept them (DISK_FULL); nothing of them was applied"],
    ["EIO", "the journal did not accept them (POISONED); the next open shows whether they were"],
  ] as const
) {
  test(`patch says of a single line, as text and as JSON, that it was not taken (${code})`, async () => {
    const refused = async (lines: string, ...more: string[]) => {
      await using directory = await temporaryDirectory();
      const { fs, failure } = await failing(code);
      const stdout = new Screen();
      const input = (async function* () {
        yield* typed(['{"z":0}', () => stdout.text.includes("1")]);
        failure.times = Infinity;
        yield new TextEncoder().encode(lines);
      })();
      const setting = { fs, input, stdout };
      const ended = await runHere(["patch", directory.path, "--ack", ...more], setting);
      return ended.errors.split("\n").find((text) => /^line|LINE_REFUSED/.test(text))!;
    };
    const single = wanted.replaceAll("them", "it").replace("they were", "it was");
    assertStringIncludes(await refused('{"a":1}\n'), `line 2: ${single}`);
    const { error: one } = JSON.parse(await refused('{"a":1}\n', "--json"));
    assertEquals([one.code, one.line, one.lineLast], ["LINE_REFUSED", 2, undefined]);
    const { error: two } = JSON.parse(await refused('{"a":1}\n{"b":2}\n', "--json"));
    assertEquals([two.line, two.lineLast], [2, 3]);
  });

  test(`patch says in one message which lines were not taken (${code})`, async () => {
    await using directory = await temporaryDirectory();
    const { fs, failure } = await failing(code);
    const input = (async function* () {
      yield new TextEncoder().encode('{"a":1}\n');
      failure.times = Infinity;
      yield new TextEncoder().encode('{"b":2}\n{"c":3}\n{"d":4}\n');
    })();
    const { errors } = await runHere(["patch", directory.path], { fs, input });
    const lines = errors.split("\n").filter((text) => text.startsWith("line"));
    assertEquals(lines.length, 1, errors);
    assertMatch(lines[0]!, /^lines 1 to 4: |^lines 2 to 4: /);
    assertStringIncludes(lines[0]!, wanted);
  });
}

/** Lines as a person types them: each comes once the screen shows what the line before it did. */
async function* typed(...lines: [text: string, isShown: () => boolean][]) {
  for (const [text, isShown] of lines) {
    yield new TextEncoder().encode(text + "\n");
    await until(isShown);
  }
}

test("patch shows a person how far it is, and keeps reports of lines apart from that", async () => {
  await using directory = await temporaryDirectory();
  const stderr = new Screen();
  const input = typed(
    ['{"a":1}', () => /patch {2}1 /.test(stderr.text)],
    ["no", () => stderr.text.includes("not JSON")],
    ['{"b":2}', () => /patch {2}2 lines /.test(stderr.text)],
  );
  const setting = { person: true, stderr, input };
  const { code, output, errors } = await runHere(["patch", directory.path], setting);
  assertEquals([code, output], [1, ""]);
  assertStringIncludes(errors, "Type one patch a line; end with Ctrl-D\n");
  assertMatch(errors, /patch {2}2 lines {2}\d+ lines\/s/);
  assertStringIncludes(errors, "\r\x1b[K\u001b[31mline 2: it is not JSON");
  assertMatch(errors, /2 lines applied, 1 refused, sequence 2, /);
});

test("patch shows how much of a file is done", async () => {
  await using directory = await temporaryDirectory();
  const stderr = new Screen();
  const input = typed(
    ['{"a":1}', () => true],
    ['{"b":2}', () => /patch {2}█+ 100% {2}2 lines/.test(stderr.text)],
  );
  const setting = { person: true, stderr, input, size: 16 };
  assertEquals((await runHere(["patch", directory.path, "lines.jsonl"], setting)).code, 0);
});

test("patch --json shows a program no progress and no remarks", async () => {
  await using directory = await temporaryDirectory();
  const setting = { person: true, input: '{"a":1}\n' };
  const { code, output, errors } = await runHere(["patch", directory.path, "--json"], setting);
  assertEquals([code, errors, JSON.parse(output).applied], [0, "", 1]);
});

test("patch --ack waits for a reader that is slow", async () => {
  await using directory = await temporaryDirectory();
  const stdout = new Screen();
  stdout.onWrite = () => stdout.pending += 100_000;
  const input = typed(
    ['{"a":1}', () => stdout.text === "1\n"],
    ['{"b":2}', () => stdout.text === "1\n2\n"],
  );
  await runHere(["patch", directory.path, "--ack"], { stdout, input });
  assertEquals(stdout.text, "1\n2\n");
  assertEquals(stdout.pending, 0);
  assertEquals(stdout.drains, 2, "once for the slow reader, once at the end");
});

for (const [signal, wanted] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  test(`patch exits ${wanted} when ${signal} ends it, and has kept what it accepted`, async () => {
    await using directory = await temporaryDirectory();
    const controller = new AbortController();
    const stdout = new Screen();
    const input = (async function* () {
      yield* typed(['{"a":1}', () => stdout.text === "1\n"]);
      controller.abort(signal);
      yield* typed(['{"b":2}', () => true]);
    })();
    const setting = { input, stdout, interruption: controller.signal };
    const { code, errors } = await runHere(["patch", directory.path, "--ack"], setting);
    assertEquals(code, wanted);
    assertMatch(errors, /^Interrupted: 1 line applied, sequence 1, /m);
    assertEquals((await runHere(["get", directory.path, "--json"])).output, '{"a":1}\n');
  });
}
