// Runs the command inside the test, with a terminal, an environment and a disk that the test chooses.

import { Writable } from "node:stream";
import type { DurableFs } from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import { processMachine } from "../../cli/process/machine.ts";
import { main } from "../../cli/main.ts";
import type { Machine } from "../../cli/machine.ts";
import type { Terminal, TextSink } from "../../cli/terminal.ts";

/** A standard output or standard error that keeps what is written. */
export class Screen implements TextSink {
  isTerminal = false;
  columns = 80;
  closed = false;
  failure: Error | null = null;
  pending = 0;
  /** All that was written. */
  text = "";
  /** How many callers waited for it. */
  drains = 0;
  /** Called with each piece before it is kept. */
  onWrite: (text: string) => void = () => {};

  get stream(): Writable {
    const write = (text: string) => this.write(text);
    const stream = new Writable({
      write(chunk, _encoding, done) {
        write(String(chunk));
        done();
      },
    });
    return Object.assign(stream, { isTTY: this.isTerminal, columns: this.columns });
  }

  write(text: string): void {
    this.onWrite(text);
    this.text += text;
  }

  drained(): Promise<void> {
    this.drains++;
    this.pending = 0;
    return Promise.resolve();
  }
}

/** What differs from a pipe in an empty environment. */
export interface Setting {
  /** What is typed or piped in. */
  input?: string | AsyncIterable<Uint8Array>;
  /** Whether a person types and reads. */
  person?: boolean;
  stdinIsTerminal?: boolean;
  stdout?: Screen;
  stderr?: Screen;
  env?: Record<string, string>;
  envReadable?: boolean;
  fs?: DurableFs;
  machine?: Machine;
  interruption?: AbortSignal;
  /** The size of the input; none, as of a pipe, unless it is given. */
  size?: number;
}

/** What came of it. */
export interface Result {
  code: number;
  output: string;
  errors: string;
}

/** Runs the command with these arguments. */
export async function runHere(args: string[], setting: Setting = {}): Promise<Result> {
  const { person = false, env = {}, envReadable = true, input = "" } = setting;
  const [stdout, stderr] = [setting.stdout ?? new Screen(), setting.stderr ?? new Screen()];
  if (person) stdout.isTerminal = stderr.isTerminal = true;
  const terminal: Terminal = {
    args,
    stdout,
    stderr,
    stdinIsTerminal: setting.stdinIsTerminal ?? person,
    envReadable,
    env: (name) => env[name],
    read: () => typeof input === "string" ? pieces(input) : input,
    sizeOf: () => Promise.resolve(setting.size ?? null),
    interruption: () => setting.interruption ?? new AbortController().signal,
    exit: (code) => {
      throw new Error(`the process was ended with ${code}`);
    },
  };
  const code = await main(
    terminal,
    setting.fs ?? await detectFs(),
    setting.machine ?? processMachine(),
  );
  return { code, output: stdout.text, errors: stderr.text };
}

/** Text as bytes, in one piece; none when it is empty. */
async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  if (text !== "") yield new TextEncoder().encode(text);
}
