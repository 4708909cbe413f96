// Starts programs of the tests under each runtime, and reads what they print.

import { type ChildProcess, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The runtimes that state directories move between. */
export const runtimes = ["deno", "bun", "node"] as const;
/** One of them. */
export type Runtime = (typeof runtimes)[number];

/** The folder of the programs that tests start. */
export const programs = join(dirname(fileURLToPath(import.meta.url)), "programs");

/** The runtime that runs this test. */
export const own: Runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** The result of a program. */
export interface Ended {
  /** Its exit code; `null` when a signal ended it. */
  code: number | null;
  /** Its standard output. */
  output: string;
  /** Its standard error. */
  errors: string;
}

/** A program under way. */
export interface Started {
  child: ChildProcess;
  /** Called with each line of standard output, as it comes. */
  onLine: (listener: (line: string) => void) => void;
  ended: Promise<Ended>;
}

/** The arguments that start `file` under a runtime. */
export function commandOf(
  runtime: Runtime,
  file: string,
  permissions = ["-A"],
): [string, string[]] {
  const path = process.env[`MINISTATE_${runtime.toUpperCase()}`];
  if (!path) throw new Error(`No ${runtime}: start the tests with "npm test"`);
  if (runtime !== "deno") return [path, [file]];
  const flags = (process.env.MINISTATE_DENO_FLAGS ?? "").split(" ").filter((flag) => flag !== "");
  return [path, ["run", "--quiet", "--no-prompt", "--no-check", ...flags, ...permissions, file]];
}

/** Starts a program of {@linkcode programs} under a runtime. */
export function start(
  runtime: Runtime,
  program: string,
  args: string[],
  permissions?: string[],
): Started {
  const [command, flags] = commandOf(runtime, join(programs, program), permissions);
  const child = spawn(command, [...flags, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  let rest = "";
  const listeners: ((line: string) => void)[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) for (const listener of listeners) listener(line);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors += text);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output, errors }));
  });
  return { child, onLine: (listener) => listeners.push(listener), ended };
}

/** Runs a program to its end, which may be a kill of its own, and gives the JSON it printed last. */
export async function run(
  runtime: Runtime,
  program: string,
  args: string[],
  permissions?: string[],
  // deno-lint-ignore no-explicit-any -- each program prints what its test asks for
): Promise<any> {
  const started = start(runtime, program, args, permissions);
  started.child.stdin?.end();
  const { code, output, errors } = await started.ended;
  if (code !== 0 && !(code === null && output !== "")) {
    throw new Error(`${program} under ${runtime} ended with ${code}:\n${errors}`);
  }
  return JSON.parse(output.trimEnd().split("\n").at(-1)!);
}
