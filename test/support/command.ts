// Starts the command as a user would, under the runtime that runs the test.

import { type Ended, own, start, type Started } from "./runtimes.ts";

/** All that the command needs under Deno. */
const PERMISSIONS = ["--allow-read", "--allow-write"];

/** Starts the command; its standard input stays open. */
export function begin(...args: string[]): Started {
  return start(own, "../../../cli.ts", args, PERMISSIONS);
}

/** Runs the command to its end, with `input` as its standard input. */
export async function ministateWith(input: string, ...args: string[]): Promise<Ended> {
  const { child, ended } = begin(...args);
  // A command that ends before it has read everything is its own business.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(input);
  return await ended;
}

/** Runs the command to its end. */
export async function ministate(...args: string[]): Promise<Ended> {
  return await ministateWith("", ...args);
}

/** Runs the command, which must succeed, and gives its standard output. */
export async function outputOf(...args: string[]): Promise<string> {
  const { code, output, errors } = await ministate(...args);
  if (code !== 0) throw new Error(`ministate ${args.join(" ")} ended with ${code}: ${errors}`);
  return output;
}

/** Runs the command with `--json`, which must succeed, and gives the value it prints. */
// deno-lint-ignore no-explicit-any -- each test knows what its command prints
export async function jsonOf(...args: string[]): Promise<any> {
  return JSON.parse(await outputOf(...args, "--json"));
}

/** The error that a command printed with `--json`. */
// deno-lint-ignore no-explicit-any -- as above
export function errorOf(ended: Ended): any {
  return JSON.parse(ended.errors.trimEnd().split("\n").at(-1)!).error;
}
