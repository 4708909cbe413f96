// Tests that no arguments make a command end with an internal error, and that wrong ones change nothing.

import { symlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { EXIT } from "../../cli/exit.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary.ts";
import { runHere } from "../support/command_in_process.ts";

/** The kind of an argument of the command line: a path, a JSON Pointer, or JSON. */
type Kind = "path" | "pointer" | "json";

/** The arguments of each command, and options with a value. */
const commands: Record<string, Kind[]> = {
  get: ["path", "pointer"],
  set: ["path", "pointer", "json"],
  remove: ["path", "pointer"],
  patch: ["path", "path"],
  import: ["path", "path"],
  export: ["path", "path"],
  log: ["path"],
  inspect: ["path"],
  verify: ["path"],
  repair: ["path"],
  snapshot: ["path"],
  compact: ["path"],
  backup: ["path", "path"],
  doctor: ["path"],
};

const optional = ["get", "patch", "export"];
const extra: Record<string, string[]> = { doctor: ["--no-sync-test"], repair: ["--yes"] };

/** Arguments that make little or no sense to any command. */
function oddities(directory: TemporaryDirectory): string[] {
  return [
    "",
    " ",
    "-",
    "//",
    "\0",
    "\ud800",
    "x".repeat(300),
    "x".repeat(5000),
    directory.join("file"),
    directory.join("file", "below"),
    directory.join("dangling"),
    directory.join("circle"),
    directory.join("none", "deeper"),
    directory.join("state"),
    "/dev/null",
    "/a/~",
    "/__proto__/x",
    "/a".repeat(5000),
    "-1",
    "1e999",
    "9007199254740993",
    '{"a":1,"a":2}',
    "[".repeat(100_000),
  ];
}

/** The same path within the directory: as root, a command makes whatever it is told to make. */
function inDirectory(directory: TemporaryDirectory, odd: string): string {
  if (/^$|\0/.test(odd) || odd === "/dev/null" || odd.startsWith(directory.path)) return odd;
  return odd.startsWith("/") ? directory.path + odd : directory.join(`made${odd}`);
}

async function withState(
  use: (directory: TemporaryDirectory, args: (command: string) => string[]) => Promise<void>,
) {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  assertEquals((await runHere(["set", state, "/a", "1"])).code, 0);
  await writeFile(directory.join("file"), "no JSON");
  await symlink("nowhere", directory.join("dangling"));
  await symlink("circle", directory.join("circle"));
  const sound: Record<string, string[]> = {
    get: [state, "/a"],
    set: [state, "/a", "1"],
    remove: [state, "/none"],
    patch: [state, "-"],
    import: [directory.join("new"), "-"],
    export: [state, "-"],
    backup: [state, directory.join("none")],
  };
  await use(directory, (command) => [...sound[command] ?? [state]]);
}

for (const [command, kinds] of Object.entries(commands)) {
  test(`${command} answers every odd argument with an exit code that is documented`, () =>
    withState(async (directory, argsOf) => {
      const documented = new Set<number>([0, 1, 2, 4, 5, EXIT.usage]);
      for (const [at, kind] of kinds.entries()) {
        for (const odd of oddities(directory)) {
          const args = argsOf(command);
          args[at] = odd;
          if (kind === "path") args[at] = inDirectory(directory, odd);
          const { code, errors } = await runHere([command, ...extra[command] ?? [], "--", ...args]);
          const said = `${command} with ${JSON.stringify(odd.slice(0, 40))} at ${at}: ${errors}`;
          assert(documented.has(code), `exit code ${code}: ${said}`);
          assertEquals(code === 0 || errors !== "" || code === EXIT.incomplete, true, said);
        }
      }
    }));

  test(`${command} says which argument is empty, missing or too many, with exit code 64`, () =>
    withState(async (_directory, argsOf) => {
      for (const [at, kind] of kinds.entries()) {
        if (kind !== "path") continue;
        const args = argsOf(command);
        args[at] = "";
        const empty = await runHere([command, ...args]);
        assertEquals([empty.code, empty.output], [EXIT.usage, ""]);
        assertMatch(
          empty.errors,
          /^error: command-argument value '' is invalid.*a non-empty path/,
        );
        const { error } = JSON.parse((await runHere([command, ...args, "--json"])).errors);
        assertEquals(error.code, "USAGE");
      }
      const least = kinds.length - (optional.includes(command) ? 1 : 0);
      const fewer = await runHere([command, ...argsOf(command).slice(0, least - 1)]);
      assertEquals(fewer.code, EXIT.usage);
      assertMatch(fewer.errors, /missing required argument/);
      const more = await runHere([command, ...argsOf(command), "more"]);
      assertEquals(more.code, EXIT.usage);
      assertMatch(more.errors, /too many arguments/);
      assertEquals((await runHere(["get", argsOf("get")[0]!])).output, '{\n  "a": 1\n}\n');
    }));
}

for (const [command, option] of [["log", "--from"], ["log", "--to"], ["inspect", "--endurance"]]) {
  test(`${command} ${option} refuses an invalid number, with exit code 64`, () =>
    withState(async (_directory, argsOf) => {
      for (const odd of ["", " ", "-1", "1.5x", "1e999", "9007199254740993", "x".repeat(5000)]) {
        const { code, errors } = await runHere([command!, ...argsOf(command!), `${option}=${odd}`]);
        assertEquals(code, EXIT.usage, odd);
        assertMatch(errors, /^error: option .* It must be a s/);
      }
    }));
}
