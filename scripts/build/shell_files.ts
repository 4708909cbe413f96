// Makes what a system has of the command beside the program: its manual page, and completion for the shells.

import process from "node:process";
import { gzipSync } from "node:zlib";
import { completionScript } from "../../cli/completion_command.ts";
import { buildProgram } from "../../cli/program.ts";
import { manPage } from "./man_page.ts";

/** Where Debian's shells look for completion. */
const COMPLETIONS = {
  bash: "usr/share/bash-completion/completions/ministate",
  zsh: "usr/share/zsh/vendor-completions/_ministate",
  fish: "usr/share/fish/vendor_completions.d/ministate.fish",
};

/** The command's description; nothing of it is run. */
const program = buildProgram(() => Promise.resolve(), "");

/** The manual page, dated today, or when SOURCE_DATE_EPOCH says: the same sources then give the same page. */
export function manualPage(): string {
  const { SOURCE_DATE_EPOCH: seconds } = process.env;
  return manPage(program, seconds === undefined ? new Date() : new Date(Number(seconds) * 1000));
}

/** The files that a Debian package has beside the program, by their paths. */
export async function systemFiles(): Promise<Map<string, string | Uint8Array>> {
  const files = new Map<string, string | Uint8Array>();
  files.set("usr/share/man/man1/ministate.1.gz", gzipSync(manualPage(), { level: 9 }));
  for (const [shell, path] of Object.entries(COMPLETIONS)) {
    files.set(path, await completionScript(program, shell));
  }
  return files;
}
