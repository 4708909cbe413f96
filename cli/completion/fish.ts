/**
 * Completion for fish.
 *
 * @module
 */

import type { CommandWords, OptionWords, Place, ProgramWords } from "./words.ts";

/** Makes the script. */
export function fishScript({ options, commands }: ProgramWords): string {
  const takers = commands.flatMap(({ name, options }) =>
    options.filter(({ value }) => value !== null)
      .flatMap(({ flags }) => flags.map((flag) => quoted(`${name} ${flag}`)))
  );
  return `# Completion of ministate for fish; made by "ministate completion fish".

# Whether the words before the cursor are those of the command $argv[1] ("" is none yet). With $argv[2]: whether so many
# arguments of it are there, and the next one is to be completed.
function __ministate_at
    set -l command ''
    set -l position 0
    set -l value ''
    set -l words (commandline -opc)
    for word in $words[2..]
        if test -n "$value"
            set value ''
        else if contains -- "$command $word" ${takers.join(" ")}
            set value yes
        else if string match -qr '^-.' -- $word
        else if test -z "$command"
            set command $word
        else
            set position (math $position + 1)
        end
    end
    test "$command" = "$argv[1]"; or return 1
    set -q argv[2]; or return 0
    test -z "$value" -a "$position" = "$argv[2]"
end

# Files after "@".
function __ministate_value
    set -l word (commandline -ct)
    string match -q '@*' -- $word; or return
    __fish_complete_path (string sub -s 2 -- $word) | string replace -r '^' '@'
end

complete -c ministate -f
${options.map((option) => optionLine("", option)).join("\n")}
${commands.map(commandLines).join("\n")}
`;
}

function commandLines(command: CommandWords): string {
  const { name, description, options, arguments: places } = command;
  return [
    `complete -c ministate -n '__ministate_at "" 0' -a ${name} -d ${quoted(description)}`,
    ...options.map((option) => optionLine(name, option)),
    ...places.map((place, i) => placeLine(name, place, i)).filter((line) => line !== ""),
  ].join("\n");
}

function optionLine(command: string, { flags, description, value }: OptionWords): string {
  const names = flags.map((flag) =>
    flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag[1]}`
  );
  const taken = value === null ? "" : ` -r${offers(value)}`;
  return `complete -c ministate -n '__ministate_at "${command}"' ${names.join(" ")}${taken} -d ${
    quoted(description)
  }`;
}

function placeLine(command: string, place: Place, position: number): string {
  const offered = offers(place);
  if (offered === "") return "";
  return `complete -c ministate -n '__ministate_at "${command}" ${position}'${offered}`;
}

function offers({ kind, words }: Place): string {
  switch (kind) {
    case "file":
      return " -F";
    case "directory":
      return ` -a '(__fish_complete_directories (commandline -ct))'`;
    case "value":
      return ` -a '(__ministate_value)'`;
    case "words":
      return ` -a ${quoted(words.join(" "))}`;
    default:
      return "";
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
