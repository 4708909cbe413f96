// Tests that a command that waits for a named pipe ends at once when it should, and reads all of it otherwise.

import { spawn, spawnSync } from "node:child_process";
import { constants } from "node:fs";
import { type FileHandle, open, readdir, writeFile } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertEquals, assertMatch } from "@std/assert";
import { openerFor, read } from "../../../cli/process/input.ts";
import { begin, jsonOf } from "../../support/command.ts";
import { commandOf, own } from "../../support/runtimes.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/temporary.ts";
import { until } from "../../support/until.ts";

const cli = fileURLToPath(new URL("../../../cli.ts", import.meta.url));

/** Makes a named pipe. */
function pipeIn(directory: TemporaryDirectory): string {
  const path = directory.join("pipe");
  assertEquals(spawnSync("mkfifo", [path]).status, 0);
  return path;
}

/** Opens a named pipe for writing once somebody reads it. */
async function writerOf(path: string): Promise<FileHandle> {
  for (;;) {
    try {
      return await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as { code?: string }).code !== "ENXIO") throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

/** The words that start the command. */
function command(): string[] {
  const [program, flags] = commandOf(own, cli, ["--allow-read", "--allow-write"]);
  return [program, ...flags];
}

const commands: [name: string, argsOf: (state: string, pipe: string) => string[]][] = [
  ["set", (state, pipe) => ["set", state, "/a", `@${pipe}`]],
  ["import", (state, pipe) => ["import", state, pipe]],
  ["patch", (state, pipe) => ["patch", state, pipe]],
];

for (const [name, argsOf] of commands) {
  test(`${name} that waits for the writer of a named pipe ends at Ctrl-C`, async () => {
    await using directory = await temporaryDirectory();
    const pipe = pipeIn(directory);
    const { child, ended } = begin(...argsOf(directory.join("state"), pipe));
    const writer = await writerOf(pipe);
    process.kill(child.pid!, "SIGINT");
    const { code, errors } = await ended;
    await writer.close();
    assertEquals(code, 130, errors);
    assertMatch(errors, /^Interrupted: /m);
    if (name !== "patch") assertEquals(await readdir(directory.path), ["pipe"]);
  });

  test(`${name} reads a named pipe to its end`, async () => {
    await using directory = await temporaryDirectory();
    const [pipe, state] = [pipeIn(directory), directory.join("state")];
    const { ended } = begin(...argsOf(state, pipe));
    const writer = await writerOf(pipe);
    await writer.write('{"b":');
    await writer.write('"c"}\n');
    await writer.close();
    const { code, errors } = await ended;
    assertEquals(code, 0, errors);
    assertEquals(await jsonOf("get", state), name === "set" ? { a: { b: "c" } } : { b: "c" });
  });
}

test("patch that waits for somebody to open a named pipe ends at Ctrl-C", async () => {
  await using directory = await temporaryDirectory();
  const { child, ended } = begin("patch", directory.join("state"), pipeIn(directory));
  let said = "";
  child.stderr!.on("data", (text: string) => said += text);
  await until(() => said.includes("a new one was created"));
  process.kill(child.pid!, "SIGINT");
  assertEquals((await ended).code, 130);
});

test("patch --stop doesn't wait for what follows a refused line in a named pipe", async () => {
  await using directory = await temporaryDirectory();
  const pipe = pipeIn(directory);
  const { ended } = begin("patch", directory.join("state"), pipe, "--stop");
  const writer = await writerOf(pipe);
  await writer.write("no JSON\nnor this\n");
  assertEquals((await ended).code, 1);
  await writer.close();
});

test("import that waits for what is typed at a terminal ends at Ctrl-C", async () => {
  await using directory = await temporaryDirectory();
  const words = [...command(), "import", directory.join("state"), "/dev/tty"];
  const line = words.map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["-qec", line, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (text) => said += text);
  const ended = new Promise((resolve) => child.on("close", resolve));
  await until(() => said.includes("read  0 B"));
  child.stdin.write("\x03");
  assertEquals(await ended, 130, said);
  assertMatch(said, /Interrupted: nothing was imported/);
});

test("an interrupt while the file is being opened ends the reading", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("file");
  await writeFile(path, "text");
  const interruption = new AbortController();
  const first = read(path, interruption.signal).next();
  interruption.abort("SIGINT");
  assertEquals((await first).done, true);
});

for (const runtime of ["Node", "Bun", "Deno"]) {
  test(`the opener for ${runtime} opens a file, and says which is missing`, async () => {
    await using directory = await temporaryDirectory();
    const path = directory.join("file");
    const textOf = async () => {
      let text = "";
      for await (const chunk of await openerFor(runtime)(path)) text += chunk;
      return text;
    };
    const code = await textOf().catch((error: { code?: string }) => error.code);
    assertEquals(code, "ENOENT");
    await writeFile(path, "text");
    assertEquals(await textOf(), "text");
  });
}
