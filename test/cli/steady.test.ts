// Tests how reading a directory copes with a writer that changes it all the time, and when it gives up.

import { readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { DurableFs } from "@ministate/ministate";
import { pause } from "../../cli/context.ts";
import { inspectSteadily } from "../../cli/steady.ts";
import { noPaint } from "../../cli/text.ts";
import { openLedger } from "../support/samples.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";
import { runHere, Screen } from "../support/command_in_process.ts";

/** A directory with a sealed journal of three mutations. */
async function makeState(): Promise<{ directory: TemporaryDirectory; segment: string }> {
  const directory = await temporaryDirectory();
  const manager = await openLedger(directory.path);
  for (let i = 1; i <= 3; i++) await manager.apply({ number: i });
  await manager.close();
  const name = (await readdir(directory.path)).find((one) => one.endsWith(".wal.jsonl"))!;
  return { directory, segment: directory.join(name) };
}

/** The runtime's file system; `before` is called before each listing of the directory, with how many there were. */
async function listing(before: (count: number) => unknown): Promise<DurableFs> {
  const fs = await wrapFs(() => {});
  let count = 0;
  return {
    ...fs,
    async list(path) {
      await before(++count);
      return await fs.list(path);
    },
  };
}

function inspect(fs: DurableFs, path: string) {
  const terminal = { stdout: new Screen(), stderr: new Screen() };
  const context = { fs, terminal, json: true, paint: noPaint, paintError: noPaint };
  return inspectSteadily(context as unknown as Parameters<typeof inspectSteadily>[0], path);
}

// Each waits a quarter of a second twelve times; together they take no longer than one of them.
test("inspectSteadily() gives up when no two reads agree, and treats a moving tail as live", async () => {
  const moving = async () => {
    const { directory, segment } = await makeState();
    await using _ = directory;
    const versions: string[] = [];
    for (let i = 4; i < 60; i++) {
      const manager = await openLedger(directory.path);
      await manager.apply({ number: i });
      await manager.close();
      versions.push(`${await readFile(segment, "utf8")}[${i + 1},{`);
    }
    const fs = await listing((count) => writeFile(segment, versions[count]!));
    const { verdict, findings, nextOpen } = await inspect(fs, directory.path);
    assertEquals([verdict, findings, nextOpen.outcome, nextOpen.torn], ["sound", [], "open", null]);
  };
  const rotting = async () => {
    const { directory, segment } = await makeState();
    await using _ = directory;
    const text = await readFile(segment, "utf8");
    // The directory and its quarantine are listed in each read.
    const rot = (count: number) =>
      writeFile(segment, text.replace(`"number":${1 + (count >> 1) % 2}`, '"number":9'));
    const { verdict } = await inspect(await listing(rot), directory.path);
    assertEquals(verdict, "corrupt");
  };
  const failing = async () => {
    const { directory } = await makeState();
    await using _ = directory;
    let count = 0;
    const fs = await wrapFs(({ name, path }) => {
      // A different message each time, and none about a file.
      if (name !== "open") return;
      throw Object.assign(systemError("EAGAIN"), { message: `${++count} ${path.length}` });
    });
    await assertRejects(() => inspect(fs, directory.path), Error, "E");
    // One file, opened once in each of twelve reads.
    assertEquals(count, 12);
  };
  await Promise.all([moving(), rotting(), failing()]);
});

test("inspectSteadily() fails when the same error comes twice", async () => {
  const { directory } = await makeState();
  await using _ = directory;
  let reads = 0;
  const fs = await wrapFs(({ name }) => {
    if (name !== "open") return;
    reads++;
    throw systemError("EMFILE");
  });
  await assertRejects(() => inspect(fs, directory.path), Error, "EMFILE");
  assertEquals(reads, 2);
});

test("log reads again when the disk fails for a moment, and gives up when it keeps failing", async () => {
  const { directory } = await makeState();
  await using _ = directory;
  const log = async (failures: number) => {
    let opened = 0;
    const fs = await wrapFs(({ name }) => {
      if (name === "open" && ++opened <= failures) throw systemError("EIO");
    });
    const { code, output } = await runHere(["log", directory.path], { fs });
    return [code, output.split("\n").length - 1, opened];
  };
  assertEquals(await log(2), [0, 3, 3]);
  assertEquals(await log(Infinity), [5, 0, 5]);
});

test("backup starts over when a compaction deletes files under it, and gives up in the end", async () => {
  const { directory, segment } = await makeState();
  await using _ = directory;
  const backUp = async (failures: number, code: string, name: string) => {
    let copies = 0;
    const fs = await wrapFs(({ name: operation, path }) => {
      // Only the copy is written, which is a separate file until it gets its final name.
      if (operation !== "rename" || !path.includes(name)) return;
      if (++copies <= failures) throw systemError(code);
    });
    const destination = directory.join(name);
    const ended = await runHere(["backup", directory.path, destination, "--json"], { fs });
    return { ...ended, copies };
  };
  const again = await backUp(2, "ENOENT", "again");
  assertEquals([again.code, again.copies, JSON.parse(again.output).sequence], [0, 3, 3]);
  assertEquals((await runHere(["verify", directory.join("again")])).code, 0);
  assertEquals((await backUp(Infinity, "ENOENT", "never")).copies, 5);
  const refused = await backUp(Infinity, "EIO", "refused");
  assertEquals([refused.code, refused.copies], [5, 1]);
  assertMatch(await readFile(segment, "utf8"), /"number":3/);
});

test("pause() ends at once when its signal is aborted, before or meanwhile", async () => {
  const ended: string[] = [];
  const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
  void pause(600_000, AbortSignal.abort()).then(() => ended.push("before"));
  const controller = new AbortController();
  void pause(600_000, controller.signal).then(() => ended.push("meanwhile"));
  await turn();
  assertEquals(ended, ["before"]);
  controller.abort();
  await turn();
  assertEquals(ended, ["before", "meanwhile"]);
});

test("inspect reports damage as it was last read when every read finds it elsewhere", async () => {
  const { directory, segment } = await makeState();
  await using _ = directory;
  const text = await readFile(segment, "utf8");
  const fs = await listing(async (count) => {
    const record = `[${count % 2 + 1},{"number"`;
    await writeFile(segment, text.replace(record, record.replace("number", "numbeR")));
  });
  const ended = await runHere(["inspect", directory.path, "--json"], { fs });
  assertEquals(JSON.parse(ended.output).verdict, "corrupt");
});
