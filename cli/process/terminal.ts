/**
 * The process as the command sees it: arguments, output whose reader may disappear, input, interrupts. The same on all
 * three runtimes, over `node:process`.
 *
 * @module
 */

import process from "node:process";
import type { Terminal, TextSink } from "../terminal.ts";
import { read, sizeOf } from "./input.ts";

const COLUMNS_DEFAULT = 80;

/** The error codes of a stream whose reader is gone. */
const GONE_CODES = new Set([
  "EPIPE",
  "ECONNRESET",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_WRITE_AFTER_END",
]);

const EXIT_CODES: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGTERM: 143 };

/** Writes to one stream, one piece at a time. Text queued during a write goes out together. */
class StreamSink implements TextSink {
  readonly stream: NodeJS.WriteStream;
  closed = false;
  failure: Error | null = null;
  #text = "";
  #writing: Promise<void> | null = null;
  #settle: () => void = () => {};

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
    // Without a listener, a reader that disappears (`| head`) ends the process with a stack trace.
    stream.on("error", (error) => this.#fail(error));
    // Not every runtime calls back for a write to a closed stream.
    stream.on("close", () => this.#settle());
  }

  get isTerminal(): boolean {
    return this.stream.isTTY === true;
  }

  get columns(): number {
    return this.stream.columns || COLUMNS_DEFAULT;
  }

  get pending(): number {
    return this.#text.length;
  }

  write(text: string): void {
    if (this.closed) return;
    this.#text += text;
    this.#writing ??= this.#writeAll();
  }

  async drained(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // Text queued together is written together.
    await Promise.resolve();
    while (this.#text !== "" && !this.closed) {
      const text = this.#text;
      this.#text = "";
      await new Promise<void>((resolve) => {
        this.#settle = resolve;
        this.stream.write(text, (error) => {
          if (error) this.#fail(error);
          resolve();
        });
      });
    }
    this.#text = "";
    this.#writing = null;
  }

  #fail(error: Error): void {
    this.closed = true;
    if (!GONE_CODES.has((error as { code?: string }).code ?? "")) this.failure ??= error;
    this.#settle();
  }
}

interface PermissionQuery {
  permissions?: { querySync(descriptor: { name: "env"; variable: string }): { state: string } };
}

/** All environment variables that are read, including by the colours module. A compiled command may read no others. */
const ENV_NAMES = ["NO_COLOR", "FORCE_COLOR", "TERM", "CI", "MINISTATE_DEBUG"];

/** Whether the environment may be read without Deno asking the user for permission. */
function mayReadEnv(): boolean {
  const { permissions } = (globalThis as { Deno?: PermissionQuery }).Deno ?? {};
  if (permissions === undefined) return true;
  return ENV_NAMES.every((variable) =>
    permissions.querySync({ name: "env", variable }).state === "granted"
  );
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      // The second signal means: end now.
      if (controller.signal.aborted) process.exit(EXIT_CODES[name]);
      controller.abort(name);
    });
  }
  return controller.signal;
}

/** Returns the running process. Call it once. */
export function processTerminal(): Terminal {
  const envReadable = mayReadEnv();
  return {
    args: process.argv.slice(2),
    stdout: new StreamSink(process.stdout),
    stderr: new StreamSink(process.stderr),
    get stdinIsTerminal() {
      return process.stdin.isTTY === true;
    },
    envReadable,
    env: (name) => envReadable ? process.env[name] : undefined,
    read,
    sizeOf,
    interruption,
    exit: (code) => process.exit(code),
  };
}
