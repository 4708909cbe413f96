// Makes the manual page of the command, in mdoc(7), of the description that its help is made of.

import type { Argument, Command, Option } from "commander";
import { EXAMPLES, EXIT_CODES } from "../../cli/help.ts";

/** The longest line of text, in characters, that mandoc finds good style. */
const LINE_SIZE_MAX = 78;

/** Makes the page; `date` is what it says of its age. */
export function manPage(program: Command, date: Date): string {
  const help = program.createHelp();
  const commands = help.visibleCommands(program);
  const lines = [
    '.\\" Made of the help of the command.',
    `.Dd ${dateText(date)}`,
    `.Dt ${program.name().toUpperCase()} 1`,
    ".Os",
    ".Sh NAME",
    `.Nm ${program.name()}`,
    `.Nd ${escaped(program.description().replace(/\.$/, ""))}`,
    ".Sh SYNOPSIS",
    ...synopsis(program, commands),
    ".Sh DESCRIPTION",
    ...text(program.description()),
    "The options are:",
    ...list([...help.visibleOptions(program)].map((option) => optionItem(program, option))),
    ".Sh COMMANDS",
    ...commands.flatMap(section),
    ".Sh EXIT STATUS",
    ...literal(EXIT_CODES.trim().split("\n").slice(1).join("\n")),
  ];
  return lines.join("\n") + "\n";
}

function dateText(date: Date): string {
  return date.toLocaleDateString("en-US", {
    year: "numeric",
    month: "long",
    day: "numeric",
    timeZone: "UTC",
  });
}

/** One line for each command. */
function synopsis(program: Command, commands: Command[]): string[] {
  return [
    `.Nm ${program.name()}`,
    ".Op Ar options",
    ...commands.flatMap((command) => [
      `.Nm ${program.name()}`,
      `.Cm ${command.name()}`,
      ".Op Ar options",
      ...command.registeredArguments.map((argument) =>
        `.${argument.required ? "" : "Op "}Ar ${argument.name()}`
      ),
    ]),
  ];
}

function section(command: Command): string[] {
  const help = command.createHelp();
  const examples = EXAMPLES[command.name()];
  const items = [
    ...help.visibleArguments(command).map(argumentItem),
    ...help.visibleOptions(command).map((option) => optionItem(command, option)),
  ];
  return [
    `.Ss ${command.name()}`,
    ...text(`${command.description()}.`),
    ...items.length === 0 ? [] : list(items),
    ...examples === undefined ? [] : [".Pp", "Examples:", ...literal(examples)],
  ];
}

/** The macros that begin an entry of a list, and its text. */
type Item = [head: string, description: string];

function argumentItem(argument: Argument): Item {
  const { argChoices: words } = argument;
  const which = words === undefined ? "" : `: ${words.join(", ")}`;
  return [`.It Ar ${argument.name()}`, argument.description + which];
}

function optionItem(command: Command, option: Option): Item {
  const term = command.createHelp().optionTerm(option);
  const [, flags = "", value] = /^(.*?)(?: <(.+)>)?$/.exec(term)!;
  const macros = flags.split(", ").map((flag) => `Fl ${escaped(flag.slice(1))}`).join(" , ");
  return [`.It ${macros}${value === undefined ? "" : ` Ar ${value}`}`, option.description];
}

function list(items: Item[]): string[] {
  const entries = items.flatMap(([head, description]) => [head, ...text(description)]);
  return [".Bl -tag -width Ds", ...entries, ".El"];
}

/** What a person may type, or reads in columns. */
function literal(block: string): string[] {
  return [".Bd -literal", ...block.split("\n").map(escaped), ".Ed"];
}

/** Running text: a sentence begins a line, and no line is long. */
function text(paragraph: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of paragraph.split(" ").map(escaped)) {
    if (line !== "" && (line.length + word.length >= LINE_SIZE_MAX || /[.!?]$/.test(line))) {
      lines.push(line);
      line = "";
    }
    line += (line === "" ? "" : " ") + word;
  }
  return [...lines, line];
}

/** Text that troff prints as it is. */
function escaped(line: string): string {
  return line.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/, "\\&$&");
}
