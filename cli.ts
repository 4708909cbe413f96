/**
 * The command `ministate`: looks into any state directory, and keeps a JSON document that survives power cuts.
 *
 * `ministate --help` lists the subcommands, `docs/cli.md` shows them at work.
 *
 * @example Run it
 * ```sh
 * deno run --allow-read --allow-write --allow-env cli.ts set ./state /lamp '"on"'
 * bun run cli.ts get ./state
 * node cli.ts verify ./state
 * ```
 *
 * @module
 */

import { detectFs } from "./runtime/detect.ts";
import { keepOwner } from "./cli/process/keep_owner.ts";
import { processMachine } from "./cli/process/machine.ts";
import { processTerminal } from "./cli/process/terminal.ts";
import { main } from "./cli/main.ts";

/** Runs the command with this process's arguments, and ends the process. */
export async function run(): Promise<void> {
  const terminal = processTerminal();
  terminal.exit(await main(terminal, keepOwner(await detectFs()), processMachine()));
}

if (import.meta.main) await run();
