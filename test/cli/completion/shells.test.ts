// Tests what the real shells offer with the scripts that `ministate completion` prints.

import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { completionScript, SHELLS } from "../../../cli/completion_command.ts";
import { buildProgram } from "../../../cli/program.ts";
import { runHere } from "../../support/command_in_process.ts";
import { without } from "../../support/tools.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/temporary.ts";

const program = buildProgram(() => Promise.resolve(), "");

/** Runs a program in a directory, with this input, and gives what it printed. */
function printed(cwd: string, command: string, args: string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ["pipe", "pipe", "inherit"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => text += piece);
    child.on("close", () => resolve(text));
    child.on("error", reject);
    // A shell that ends before it has read everything is its own business.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

/** A directory with a state, a file, and a name with a space. */
async function place(): Promise<TemporaryDirectory> {
  const directory = await temporaryDirectory();
  await mkdir(directory.join("state"));
  await mkdir(directory.join("my files"));
  await writeFile(directory.join("value.json"), "1");
  for (const shell of SHELLS) {
    await writeFile(directory.join(`.script.${shell}`), await completionScript(program, shell));
  }
  return directory;
}

/** What starts each shell as a person would have it, and prepares it. */
const INTERACTIVE: Record<string, { start: string; prepare: string }> = {
  bash: { start: "bash --norc --noprofile -i", prepare: "" },
  zsh: { start: "zsh -f -i", prepare: "autoload -U compinit; compinit -u -D; " },
};

/** What a shell at a terminal prints when these keys are typed after the script was read. */
async function typed(directory: TemporaryDirectory, shell: string, keys: string): Promise<string> {
  const { start, prepare } = INTERACTIVE[shell]!;
  await writeFile(
    directory.join(".prepare"),
    `${prepare}. ./.script.${shell}\nministate() { printf 'GOT'; printf '<%s>' "$@"; echo; }\n`,
  );
  const input = `. ./.prepare\n${keys}\nexit\n`;
  return await printed(directory.path, "script", ["-qec", start, "/dev/null"], input);
}

/** The last word of a line after one tabulator. */
async function completed(directory: TemporaryDirectory, shell: string, line: string) {
  if (shell === "fish") {
    const words = await offeredByFish(directory, line);
    assert(words.length < 2, `${line}: ${words.join()}`);
    return words[0] ?? line.split(" ").at(-1);
  }
  const text = await typed(directory, shell, `${line}\t`);
  return /GOT<.*?([^<]*)>\r?\n/.exec(text)?.[1];
}

async function offeredByFish(directory: TemporaryDirectory, line: string): Promise<string[]> {
  const command = "source .script.fish; complete -C $argv[1]";
  const text = await printed(directory.path, "fish", ["--no-config", "-c", command, "--", line]);
  return text.split("\n").filter((one) => one !== "").map((one) => one.split("\t")[0]!);
}

/** Why a shell's tests are left out, if they are; `script` makes a terminal for a shell that a person would type in. */
function withoutShell(shell: string): string | false {
  return without(shell, ...(shell === "fish" ? [] : ["script"]));
}

const completions: [line: string, word: string][] = [
  ["ministate rest", "restore"],
  ["ministate --json rest", "restore"],
  ["ministate help rest", "restore"],
  ["ministate completion z", "zsh"],
  ["ministate get --mut", "--mutator"],
  ["ministate log --last 3 --fol", "--follow"],
  ["ministate get st", "state"],
  ["ministate log --last 3 st", "state"],
  ["ministate import state val", "value.json"],
  ["ministate patch --ack state val", "value.json"],
  ["ministate verify state --mutator val", "value.json"],
  ["ministate verify --mutator=val", "--mutator=value.json"],
  ["ministate import state my", "my files"],
  ["ministate set state /a @val", "@value.json"],
  ["ministate set state /a:b @val", "@value.json"],
  ["ministate set state /a val", "val"],
  ["ministate remove state val", "val"],
];

for (const shell of SHELLS) {
  const skip = withoutShell(shell);
  for (const [line, word] of completions) {
    test(`${shell} makes "${word}" of the end of "${line}"`, { skip }, async () => {
      await using directory = await place();
      assertEquals((await completed(directory, shell, line))?.replace(/\/$/, ""), word);
    });
  }
}

const [withoutBash, withoutZsh, withoutFish] = ["bash", "zsh", "fish"].map((shell) => {
  const skip = withoutShell(shell);
  return { skip };
});

/** The options of each command, as its help has them. */
const options = program.commands.map((command) => ({
  name: command.name(),
  flags: [...command.options.map(({ long }) => long!), "--help"].sort(),
}));

test("fish offers every command and every option of each", withoutFish, async () => {
  await using directory = await place();
  const names = [...program.commands.map((command) => command.name()), "help"].sort();
  assertEquals(await offeredByFish(directory, "ministate "), names);
  for (const { name, flags } of options) {
    assertEquals((await offeredByFish(directory, `ministate ${name} --`)).sort(), flags);
  }
});

test("bash offers every command and every option of each", withoutBash, async () => {
  await using directory = await place();
  const offered = async (...words: string[]) => {
    const line = words.join(" ");
    const list = words.map((word) => `'${word}'`).join(" ");
    const text = await printed(directory.path, "bash", [
      "-c",
      `. ./.script.bash; COMP_LINE='${line}' COMP_POINT=${line.length} COMP_WORDS=(${list}); ` +
      `COMP_CWORD=${words.length - 1}; _ministate; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ]);
    return text.trimEnd().split("\n").sort();
  };
  const names = [...program.commands.map((command) => command.name()), "help"].sort();
  assertEquals(await offered("ministate", ""), names);
  for (const { name, flags } of options) {
    assertEquals(await offered("ministate", name, "--"), flags);
  }
});

test(
  "zsh and bash list what is possible, zsh with its meaning",
  withoutZsh,
  async () => {
    await using directory = await place();
    const zsh = await typed(directory, "zsh", "ministate repair --\t");
    assertStringIncludes(zsh, "--salvage");
    assertStringIncludes(zsh, "first write what is set aside");
    const bash = await typed(directory, "bash", "ministate completion \t\t");
    assertStringIncludes(bash, "bash  fish  zsh");
  },
);

test("completion prints a script for each shell, and refuses others", async () => {
  for (const shell of SHELLS) {
    const script = await completionScript(program, shell);
    assertEquals((await runHere(["completion", shell])).output, script);
    const { output } = await runHere(["completion", shell, "--json"]);
    assertEquals(JSON.parse(output), { shell, script });
  }
  const { code, errors } = await runHere(["completion", "csh"]);
  assertEquals(code, 64);
  assertStringIncludes(errors, "Allowed choices are bash, zsh, fish");
});
