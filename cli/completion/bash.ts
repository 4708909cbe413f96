/**
 * Completion for bash.
 *
 * @module
 */

import type { OptionWords, Place, ProgramWords } from "./words.ts";

/** Makes the script. */
export function bashScript({ options, commands }: ProgramWords): string {
  const names = commands.map(({ name }) => name);
  const all = [
    { name: '""', options, arguments: [{ name: "", kind: "words" as const, words: names }] },
    ...commands,
  ];
  const takes = all.map(({ name, options, arguments: places }) =>
    `    ${name}) options="${options.flatMap(({ flags }) => flags).join(" ")}"; arguments=(${
      places.map(kindOf).join(" ")
    }) ;;`
  );
  const values = commands.flatMap(({ name, options }) => options.flatMap(valuesOf(name)));
  return SCRIPT.replace("    TAKES", () => takes.join("\n"))
    .replace("    VALUES", () => values.join("\n"));
}

function valuesOf(command: string): (option: OptionWords) => string[] {
  return ({ flags, value }) =>
    value === null ? [] : flags.map((flag) => `    "${command} ${flag}") kind=${kindOf(value)} ;;`);
}

function kindOf({ kind, words }: Place): string {
  return kind === "words" ? `"words ${words.join(" ")}"` : kind;
}

/** TAKES and VALUES stand for what is made from the description. */
const SCRIPT = `# Completion of ministate for bash; made by "ministate completion bash".

# What the command $1 takes ("" is what comes before a command): its options, and the kinds of its arguments.
_ministate_takes() {
  case $1 in
    TAKES
    *) options=""; arguments=() ;;
  esac
}

# The kind of the value of the option $2 of the command $1; none when it takes none.
_ministate_value() {
  case "$1 $2" in
    VALUES
    *) kind="" ;;
  esac
}

_ministate() {
  local rest="\${COMP_LINE:0:COMP_POINT}" words=() word text i
  # Readline also splits at "=", ":" and "@": what no space separates belongs together.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    text="\${rest#"\${rest%%[![:space:]]*}"}"
    word="\${COMP_WORDS[i]}"
    if ((i == COMP_CWORD)); then word="$text"; fi
    if ((i > 0)) && [[ "$text" == "$rest" ]]; then
      words[\${#words[@]} - 1]+="$word"
    else
      words+=("$word")
    fi
    rest="\${text#"$word"}"
  done
  local current="\${words[\${#words[@]} - 1]}" command="" position=0 only="" kind="" options arguments
  _ministate_takes ""
  for ((i = 1; i < \${#words[@]} - 1; i++)); do
    word="\${words[i]}"
    if [[ -n $kind ]]; then
      kind=""
    elif [[ -z $only && $word == -- ]]; then
      only=yes
    elif [[ -z $only && $word == -?* ]]; then
      _ministate_value "$command" "$word"
    elif [[ -z $command ]]; then
      command="$word"
      _ministate_takes "$command"
    else
      position=$((position + 1))
    fi
  done
  COMPREPLY=()
  if [[ -z $kind && -z $only && $current == --*=* ]]; then
    _ministate_value "$command" "\${current%%=*}"
    current="\${current#*=}"
  elif [[ -z $kind && -z $only && ($current == -* || $position -ge \${#arguments[@]}) ]]; then
    kind="words $options"
  elif [[ -z $kind ]]; then
    kind="\${arguments[position]}"
  fi
  case $kind in
    "words "*) mapfile -t COMPREPLY < <(compgen -W "\${kind#words }" -- "$current") ;;
    # Readline's own completion knows how names must be quoted.
    directory) compopt -o dirnames -o filenames ;;
    file) compopt -o default ;;
    value)
      if [[ $current == @* ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -P @ -- "\${current#@}")
      fi
      ;;
  esac
}

complete -F _ministate ministate
`;
