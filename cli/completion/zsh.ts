/**
 * Completion for zsh.
 *
 * @module
 */

import type { CommandWords, OptionWords, Place, ProgramWords } from "./words.ts";

/** Makes the script. */
export function zshScript({ options, commands }: ProgramWords): string {
  const described = commands.map(({ name, description }) =>
    `      ${quoted(`${name}:${description}`)}`
  );
  return `#compdef ministate
# Completion of ministate for zsh; made by "ministate completion zsh".

_ministate_value() {
  compset -P '@' && _files
}

_ministate() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C \\
${options.map((option) => `    ${optionSpec(option)} \\`).join("\n")}
    '1:command:->command' \\
    '*::argument:->argument'
  case $state in
  command)
    local -a commands=(
${described.join("\n")}
    )
    _describe -t commands command commands
    ;;
  argument)
    case $line[1] in
${commands.map(commandCase).join("\n")}
    esac
    ;;
  esac
}

# Loaded by the completion system it is called; read by a person's shell it is registered.
if [[ $funcstack[1] == _ministate ]]; then
  _ministate "$@"
else
  compdef _ministate ministate
fi
`;
}

function commandCase({ name, options, arguments: places }: CommandWords): string {
  const specs = [
    ...options.map(optionSpec),
    ...places.map((place, i) => quoted(`${i + 1}${placeSpec(place)}`)),
  ];
  return `    ${name})\n      _arguments ${specs.join(" \\\n        ")}\n      ;;`;
}

function optionSpec({ flags, description, value }: OptionWords): string {
  const rest = `[${description.replace(/[[\]\\:]/g, "\\$&")}]${
    value === null ? "" : placeSpec(value)
  }`;
  const names = value === null ? flags : flags.map((flag) => `${flag}=`);
  if (flags.length === 1) return quoted(names[0] + rest);
  // Either name, and after it neither.
  return `${quoted(`(${flags.join(" ")})`)}{${names.join(",")}}${quoted(rest)}`;
}

const ACTIONS = {
  file: "_files",
  directory: "_directories",
  value: "_ministate_value",
  other: " ",
};

function placeSpec({ name, kind, words }: Place): string {
  return `:${name}:${kind === "words" ? `(${words.join(" ")})` : ACTIONS[kind]}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
