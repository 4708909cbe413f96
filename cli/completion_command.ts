/**
 * `completion`: prints a script that completes the command's words in a shell.
 *
 * @module
 */

import type { Command } from "commander";
import type { ProgramWords } from "./completion/words.ts";
import { type Context, say, sayJson } from "./context.ts";
import { EXIT } from "./exit.ts";

/** What makes the script of each shell. Loaded only when asked for: no other command waits for it. */
const MAKERS: Record<string, () => Promise<(words: ProgramWords) => string>> = {
  bash: async () => (await import("./completion/bash.ts")).bashScript,
  zsh: async () => (await import("./completion/zsh.ts")).zshScript,
  fish: async () => (await import("./completion/fish.ts")).fishScript,
};

/** The shells that there is a script for. */
export const SHELLS: readonly string[] = Object.keys(MAKERS);

/** Makes the script for one of {@linkcode SHELLS}. */
export async function completionScript(program: Command, shell: string): Promise<string> {
  const { wordsOf } = await import("./completion/words.ts");
  const make = await MAKERS[shell]!();
  return make(wordsOf(program));
}

/** Prints the script for a shell. */
export async function completion(
  context: Context,
  program: Command,
  shell: string,
): Promise<number> {
  const script = await completionScript(program, shell);
  if (context.json) sayJson(context, { shell, script });
  else say(context, script.trimEnd());
  return EXIT.ok;
}
