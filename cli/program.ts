/**
 * The command line: subcommands, their arguments, options and help.
 *
 * @module
 */

import { Argument, Command } from "commander";
import {
  directoryArgument,
  fileArgument,
  sequenceOption,
  sizeOption,
  valueArgument,
} from "./arguments.ts";
import { completion, SHELLS } from "./completion_command.ts";
import type { Context } from "./context.ts";
import { doctor } from "./doctor_command.ts";
import { get, remove, set } from "./document_commands.ts";
import { exportJson } from "./export_command.ts";
import { EXAMPLES, EXIT_CODES } from "./help.ts";
import { importJson } from "./import_command.ts";
import { inspect, verify } from "./inspect_verify.ts";
import { log } from "./log_command.ts";
import { metrics } from "./metrics_command.ts";
import { patch } from "./patch_command.ts";
import { repair } from "./repair_command.ts";
import { restore } from "./restore_command.ts";
import { backup, compact, snapshot } from "./upkeep_commands.ts";

/** Runs a subcommand and records its exit code. */
export type RunCommand = (action: (context: Context) => Promise<number>) => Promise<void>;

const DIR = "the state directory";
const NO_CREATE = "refuse a directory without a state instead of creating one";
const JSON_OPTION = "print JSON for programs, including errors";
const POINTER = "a JSON Pointer, such as /lamps/0/on";
const EXPORT = "the module's export that is the mutator, or a function making it";

/**
 * Builds the command line; `run` receives the action of the chosen subcommand.
 *
 * @param version what `--version` prints
 */
export function buildProgram(run: RunCommand, version: string): Command {
  const program = new Command("ministate")
    .description("Looks into state directories and keeps a JSON document that survives power cuts.")
    .version(version, "-V, --version", "print the version, also of the runtime and of the format")
    // Also accepted before the subcommand, where programs that build a command line put common options.
    .option("--json", JSON_OPTION)
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", EXIT_CODES);
  const add = (name: string, description: string) =>
    program.command(name)
      .description(description)
      .option("--json", JSON_OPTION)
      .addHelpText("after", `\nExamples:\n${EXAMPLES[name]}`);
  addDocument(add, run);
  addReading(add, run);
  addUpkeep(add, run);
  add("completion", "Print a script that completes the command's words in a shell")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .action((shell) => run((c) => completion(c, program, shell)));
  return program;
}

type Add = (name: string, description: string) => Command;

function addDocument(add: Add, run: RunCommand): void {
  add("get", "Print a value of the document, or of any program's state as far as snapshots hold it")
    .argument("<dir>", DIR, directoryArgument)
    .argument("[pointer]", POINTER, "")
    .option("--raw", "print a string without its quotes")
    .option("--mutator <file>", "replay with the mutator of this module", fileArgument)
    .option("--export <name>", EXPORT)
    .action((dir, pointer, options) => run((c) => get(c, dir, pointer, options)));
  add("set", "Set a value of the document: replace what is there, add what isn't")
    .argument("<dir>", `${DIR}, created if missing`, directoryArgument)
    .argument("<pointer>", `${POINTER}; "" is the whole document`)
    .argument(
      "<value>",
      'the value, as JSON; "-" reads it from standard input, "@FILE" from a file',
      valueArgument,
    )
    .option("--no-create", NO_CREATE)
    .option(
      "--string",
      "the value is text, and becomes a JSON string; of a file or standard input, one line end at the end is left out",
    )
    .option("--raw", 'VALUE itself is the value, even if it is "-" or begins with "@"')
    .action((dir, pointer, value, options) => run((c) => set(c, dir, pointer, value, options)));
  add("remove", "Remove a value of the document")
    .argument("<dir>", DIR, directoryArgument)
    .argument("<pointer>", POINTER)
    .action((dir, pointer) => run((c) => remove(c, dir, pointer)));
  add("patch", "Apply JSON Lines: each a JSON Patch (an array) or a JSON Merge Patch (an object)")
    .argument("<dir>", `${DIR}, created if missing`, directoryArgument)
    .argument("[file]", 'the file, or "-" for standard input', fileArgument, "-")
    .option("--ack", "print each sequence once it is durable")
    .option("--no-create", NO_CREATE)
    .option("--stop", "stop at the first line that is refused")
    .action((dir, file, options) => run((c) => patch(c, dir, file, options)));
  add("import", "Make the document of a JSON file of any size, in one step")
    .argument("<dir>", `${DIR}, created if missing`, directoryArgument)
    .argument("<file>", 'the file, or "-" for standard input', fileArgument)
    .option("--replace", "replace the document that is there; its files are set aside")
    .action((dir, file, options) => run((c) => importJson(c, dir, file, options)));
  add("export", "Write the state as one JSON text of any size")
    .argument("<dir>", DIR, directoryArgument)
    .argument("[file]", 'a new file, or "-" for standard output', fileArgument, "-")
    .option("--replace", "replace the file that is there")
    .option("--mutator <file>", "replay with the mutator of this module", fileArgument)
    .option("--export <name>", EXPORT)
    .action((dir, file, options) => run((c) => exportJson(c, dir, file, options)));
}

function addReading(add: Add, run: RunCommand): void {
  add("log", "Print the mutations")
    .argument("<dir>", DIR, directoryArgument)
    .option("--from <sequence>", "the first one", sequenceOption)
    .option("--to <sequence>", "the last one", sequenceOption)
    .option("--last <count>", "so many from the end", sequenceOption)
    .option("--since <time>", 'not those before: "2026-11-26 03:00" (UTC), or 90m, 12h, 7d ago')
    .option("-f, --follow", "continue with what another process writes, until Ctrl-C")
    .action((dir, options) => run((c) => log(c, dir, options)));
  add("inspect", "Print what a state directory holds, and what the next open would do")
    .argument("<dir>", DIR, directoryArgument)
    .option(
      "--endurance <size>",
      "what a card endures, such as 30TB: prints how long it lasts",
      sizeOption,
    )
    .action((dir, options) => run((c) => inspect(c, dir, options)));
  add("metrics", "Print figures for Prometheus: damage, size, backlog, what was written")
    .argument("<dir>", DIR, directoryArgument)
    .action((dir) => run((c) => metrics(c, dir)));
  add("verify", "Read every byte: exit 0 sound, 1 torn tail that the next open will cut, 2 corrupt")
    .argument("<dir>", DIR, directoryArgument)
    .option(
      "--mutator <file>",
      "replay with the mutator of this module instead: exit 0 the same states, 1 a difference",
      fileArgument,
    )
    .option("--export <name>", EXPORT)
    .action((dir, options) => run((c) => verify(c, dir, options)));
}

function addUpkeep(add: Add, run: RunCommand): void {
  add("repair", "Continue without what is damaged; shows what is kept and lost, and asks")
    .argument("<dir>", DIR, directoryArgument)
    .option("-y, --yes", "don't ask")
    .option(
      "--salvage <file>",
      "first write what is set aside and provably whole to this new file, as JSON Lines",
      fileArgument,
    )
    .action((dir, options) => run((c) => repair(c, dir, options)));
  add("snapshot", "Write a snapshot of the document")
    .argument("<dir>", DIR, directoryArgument)
    .action((dir) => run((c) => snapshot(c, dir)));
  add("compact", "Write a snapshot and delete the journal that is no longer needed")
    .argument("<dir>", DIR, directoryArgument)
    .action((dir) => run((c) => compact(c, dir)));
  add("backup", "Copy a state directory, even while another process writes it")
    .argument("<dir>", DIR, directoryArgument)
    .argument("<dest>", "the new directory", directoryArgument)
    .action((dir, dest) => run((c) => backup(c, dir, dest)));
  add("restore", "Make a new state directory that holds another one as of an earlier sequence")
    .argument("<dir>", `${DIR}; it is only read`, directoryArgument)
    .argument("<sequence>", "the last mutation to restore", sequenceOption)
    .argument("<dest>", "the new directory", directoryArgument)
    .action((dir, sequence, destination) => run((c) => restore(c, dir, { sequence, destination })));
  add("doctor", "Examine the machine and the place of a state: exit 0 fit, 1 warnings, 2 problems")
    .argument("<dir>", `${DIR}; a missing one is not created`, directoryArgument)
    .option("--no-sync-test", "write nothing to time syncs (a card wears)")
    .action((dir, options) => run((c) => doctor(c, dir, options)));
}
