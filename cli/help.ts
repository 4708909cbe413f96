/**
 * The examples and the exit codes that `--help` prints.
 *
 * @module
 */

/** Examples of each subcommand; docs/cli.md shows what they print. */
export const EXAMPLES: Record<string, string> = {
  get: `  ministate get ./state                   the whole document
  ministate get ./state /lamps/0/on       one value
  ministate get ./state /name --raw       a string for a shell script
  ministate get ./state --mutator ./lamps.ts --export lamps   any program's state`,
  set: `  ministate set ./state /name '"kitchen"'
  ministate set ./state /lamps '[]' --no-create   only where a state is
  ministate set ./state /lamps/- '{"on":true}'    after the last item
  ministate set ./state "" '{"name":"hall"}'      the whole document
  ministate set ./state /lamps @lamps.json        from a file
  ./sensor --json | ministate set ./state /sensor -
  ministate set ./state /name kitchen --string    text, without quotes of JSON
  hostname | ministate set ./state /host - --string
  ministate set ./state /handle @ada --string --raw
  ministate set ./state /flag --string -- --verbose

A value has at most 1 MiB; import takes a document of any size.`,
  remove: `  ministate remove ./state /lamps/0`,
  patch: `  ministate patch ./state changes.jsonl
  ./sensors | ministate patch ./state --ack
  echo '{"name":"hall","old":null}' | ministate patch ./state
  echo '[{"op":"add","path":"/n","value":1}]' | ministate patch ./state

A line that can't be applied is reported with its number, nothing of it is applied, and the next
line follows; the exit code is then 1.`,
  import: `  ministate import ./state document.json
  ministate import ./state document.json --replace
  curl https://example.org/lamps.json | ministate import ./state -

The state is the one before until all of the file was read and is on the disk, and then the new one.`,
  export: `  ministate export ./state                > document.json
  ministate export ./state /media/usb/document.json      synced, and whole or absent
  ministate export ./state | jq .lamps`,
  log: `  ministate log ./state --from 100 --to 200
  ministate log ./state --json | jq -c .mutation
  ministate log ./state --since 12h
  ministate log ./state --last 10 --follow`,
  inspect: `  ministate inspect ./state
  ministate inspect ./state --endurance 30TB      how long a card lasts
  ministate inspect ./state --json | jq .nextOpen`,
  metrics: `  ministate metrics ./state
  ministate metrics ./state > /var/lib/node_exporter/state.prom.new &&
    mv /var/lib/node_exporter/state.prom.new /var/lib/node_exporter/state.prom`,
  verify: `  ministate verify ./state && echo sound
  ministate verify ./state --json | jq -c '.findings[]'
  ministate verify ./state --mutator ./new/lamps.ts --export lamps   before an update`,
  repair: `  ministate repair ./state
  ministate repair ./state --yes --json
  ministate repair ./state --salvage /media/usb/records.jsonl
  jq -c 'select(.refused == false) | .mutation' /media/usb/records.jsonl

--salvage also reads what earlier repairs have set aside, and changes nothing in the directory.`,
  snapshot: `  ministate snapshot ./state`,
  compact: `  ministate compact ./state`,
  backup: `  ministate backup ./state /media/usb/state-monday`,
  restore: `  ministate log ./state --from 40             which one was the last good one?
  ministate restore ./state 41 ./state-before

Sequence 0 is the state before the first mutation. To continue with the new directory, stop the
program, put it in the place of the state, and keep the old one.`,
  doctor: `  ministate doctor ./state
  ministate doctor ./state --no-sync-test
  ministate doctor ./state --json | jq -c '.findings[] | select(.mark != "ok")'`,
  completion: `  ministate completion bash > ~/.local/share/bash-completion/completions/ministate
  ministate completion zsh > ~/.zfunc/_ministate      with fpath+=~/.zfunc before compinit
  ministate completion fish > ~/.config/fish/completions/ministate.fish
  . <(ministate completion bash)          for this session

The Debian package installs all three.`,
};

/** The explanation of the exit codes. */
export const EXIT_CODES = `
Exit codes:
   0  done; sound
   1  not found, lines or a file refused, or not confirmed; with verify, a torn
      tail, or with --mutator a difference; with doctor, warnings
   2  corruption: acknowledged bytes are damaged; with doctor, problems
   3  another process has the directory open for writing
   4  no state there, or it is another program's or a newer version's
   5  the operating system refused, or the disk is full
  64  wrong arguments
  70  an error in ministate itself (MINISTATE_DEBUG=1 shows where)
 130  interrupted (143: terminated)

Colours appear on a terminal only; NO_COLOR=1 turns them off, FORCE_COLOR=1 on.`;
