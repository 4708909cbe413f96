/**
 * Runs the command once: arguments in, exit code out.
 *
 * @module
 */

import { CommanderError } from "commander";
import type { DurableFs } from "../src/durable_fs.ts";
import type { Context } from "./context.ts";
import { describeError, type ErrorReport, EXIT, exitCodeOf } from "./exit.ts";
import type { Machine } from "./machine.ts";
import { buildProgram } from "./program.ts";
import type { Terminal, TextSink } from "./terminal.ts";
import { noPaint, type Paint, safeLines } from "./text.ts";
import { versionText } from "./version.ts";

/** Runs the subcommand that the arguments name. All output is written when it resolves. */
export async function main(terminal: Terminal, fs: DurableFs, machine: Machine): Promise<number> {
  const { stdout, stderr } = terminal;
  const paint = await paintFor(terminal, stdout);
  const paintError = await paintFor(terminal, stderr);
  const json = asksForJson(terminal.args);
  let code: number = EXIT.ok;
  const program = buildProgram(async (action) => {
    const context: Context = { terminal, fs, machine, json, paint, paintError };
    code = await action(context);
  }, versionText(machine, json));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => json ? undefined : stderr.write(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      getOutHelpWidth: () => Math.min(stdout.columns, 100),
      getErrHelpWidth: () => Math.min(stderr.columns, 100),
    });
  }
  try {
    await program.parseAsync(terminal.args, { from: "user" });
  } catch (error) {
    code = error instanceof CommanderError
      ? usageCode(error, json, stderr)
      : reportError(terminal, describeError(error), json, paintError);
  }
  await stdout.drained();
  if (stdout.failure !== null) {
    code = reportError(terminal, describeError(stdout.failure), json, paintError);
  }
  await stderr.drained();
  return code;
}

/** Looks at the raw arguments, because an error may occur before they are parsed. After "--" there are only values. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).includes("--json");
}

function usageCode(error: CommanderError, json: boolean, stderr: TextSink): number {
  if (error.exitCode === 0) return EXIT.ok;
  if (json) {
    const message = error.code === "commander.help"
      ? 'A command is missing: "ministate --help" lists them'
      : error.message.replace(/^error: /, "");
    stderr.write(JSON.stringify({ error: { code: "USAGE", message } }) + "\n");
  }
  return EXIT.usage;
}

function reportError(terminal: Terminal, found: ErrorReport, json: boolean, paint: Paint): number {
  const { stderr } = terminal;
  const { stack, ...withoutStack } = found;
  if (json) stderr.write(JSON.stringify({ error: withoutStack }) + "\n");
  else stderr.write(`${paint.red("error:")} ${safeLines(found.message)}\n`);
  if (stack !== undefined && terminal.env("MINISTATE_DEBUG")) stderr.write(`${stack}\n`);
  return exitCodeOf(found);
}

async function paintFor(terminal: Terminal, sink: TextSink): Promise<Paint> {
  if (!terminal.envReadable || !wantsColours(terminal, sink)) return noPaint;
  // Imported only now: it reads the environment as it loads, for which Deno would ask the user for permission.
  const { default: picocolors } = await import("picocolors");
  return picocolors.createColors(true);
}

/** NO_COLOR comes first, then FORCE_COLOR, whose "0" and "false" mean the opposite, then what the terminal supports. */
function wantsColours(terminal: Terminal, sink: TextSink): boolean {
  if (terminal.env("NO_COLOR")) return false;
  const forced = terminal.env("FORCE_COLOR");
  if (forced) return forced !== "0" && forced !== "false";
  return sink.isTerminal && terminal.env("TERM") !== "dumb";
}
