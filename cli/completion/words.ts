/**
 * The words that the command understands, read from the description that its help is made of.
 *
 * @module
 */

import type { Argument, Command, Option } from "commander";
import { directoryArgument, fileArgument, valueArgument } from "../arguments.ts";

/** What a shell can offer: files, directories, files after "@", certain words, or nothing. */
export type Kind = "file" | "directory" | "value" | "words" | "other";

/** An argument, or the value of an option. */
export interface Place {
  name: string;
  kind: Kind;
  /** The words that it can be, if its kind is "words". */
  words: readonly string[];
}

/** One option. */
export interface OptionWords {
  /** Its names, such as "-y" and "--yes". */
  flags: string[];
  description: string;
  /** The value after it; `null` when it takes none. */
  value: Place | null;
}

/** One subcommand. */
export interface CommandWords {
  name: string;
  description: string;
  options: OptionWords[];
  arguments: Place[];
}

/** All of it. */
export interface ProgramWords {
  /** What may stand before the subcommand. */
  options: OptionWords[];
  commands: CommandWords[];
}

/** Reads the words of the whole program. */
export function wordsOf(program: Command): ProgramWords {
  const commands = program.createHelp().visibleCommands(program);
  const names = commands.map((command) => command.name());
  return {
    options: optionsOf(program),
    commands: commands.map((command) => ({
      name: command.name(),
      description: command.description(),
      options: optionsOf(command),
      arguments: command.registeredArguments.map((argument) =>
        // Commander's own command names other commands, without a list of them.
        program.commands.includes(command)
          ? placeOf(argument.name(), argument)
          : { name: argument.name(), kind: "words", words: names }
      ),
    })),
  };
}

function optionsOf(command: Command): OptionWords[] {
  return command.createHelp().visibleOptions(command).map((option) => ({
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    description: option.description,
    value: option.required ? placeOf(option.attributeName(), option) : null,
  }));
}

const KINDS = new Map<unknown, Kind>([
  [directoryArgument, "directory"],
  [fileArgument, "file"],
  [valueArgument, "value"],
]);

/** What commander keeps of an argument or an option, its check of the text included. */
type Described = (Argument | Option) & { parseArg?: unknown };

function placeOf(name: string, { argChoices: words, parseArg }: Described): Place {
  if (words !== undefined) return { name, kind: "words", words };
  return { name, kind: KINDS.get(parseArg) ?? "other", words: [] };
}
