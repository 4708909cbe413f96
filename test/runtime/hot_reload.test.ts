// Tests the recipe of docs/hot-reload.md as it is printed there, under `bun --hot`.

import { appendFile, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { assertEquals } from "@std/assert";
import { commandOf } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** The recipe, importing the library from this checkout. */
async function recipe(): Promise<string> {
  const text = await readFile(join(root, "docs", "hot-reload.md"), "utf8");
  const code = /```ts\n([^]*?)```/.exec(text)![1]!;
  return code.replace("@ministate/ministate", pathToFileURL(join(root, "mod.ts")).href);
}

/** Runs a program under `bun --hot` in its directory, and changes it each time it has said a line. */
async function reload(directory: string, program: string, times: number): Promise<string[]> {
  const file = join(directory, "program.ts");
  await writeFile(file, program);
  const [bun] = commandOf("bun", file);
  const child = spawn(bun, ["--hot", file], { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
  const said: string[] = [];
  let rest = "";
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors += text);
  const ended = new Promise((resolve) => child.on("close", resolve));
  const change = () => appendFile(file, "// changed\n");
  // A change in the middle of a load can go unseen: then another one follows.
  const timer = setInterval(() => void change(), 1000);
  try {
    await new Promise<void>((resolve, reject) => {
      child.on("close", () => reject(new Error(`it ended: ${errors}`)));
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop()!;
        for (const line of lines) {
          said.push(line);
          if (said.length > times) return resolve();
          change().catch(reject);
        }
      });
    });
  } finally {
    clearInterval(timer);
    child.kill("SIGKILL");
    await ended;
  }
  return said;
}

test("the recipe for bun --hot closes what the previous load opened, and opens it again", async () => {
  await using directory = await temporaryDirectory();
  const said = await reload(directory.path, `${await recipe()}\nconsole.log("applied");\n`, 5);
  // What was said when the last change was made is a matter of the moment; each load found what the one before had done.
  const opened = said.filter((line) => line.startsWith("opened"));
  assertEquals(opened, opened.map((_, i) => `opened ${i}`));
  assertEquals(opened.length > 1, true, said.join(", "));
});

test("without the recipe, the second load under bun --hot is refused", async () => {
  await using directory = await temporaryDirectory();
  const program = (await recipe()).replace("await (await before)?.close();", "")
    .replace(
      "const manager = await shared.opening;",
      "const manager = await shared.opening.catch((error) => error);",
    )
    .replace(
      `console.log("opened", manager.state.value);`,
      `console.log(manager.code ?? "opened");`,
    )
    .replace("await manager.apply", "await manager.apply?.");
  assertEquals(await reload(directory.path, program, 2), ["opened", "LOCKED", "LOCKED"]);
});
