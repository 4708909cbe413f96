/**
 * The interface between the command and its environment; implemented by `cli/process/terminal.ts`.
 *
 * @module
 */

/** Standard output or standard error. Writing never fails: `closed` shows whether the reader is gone. */
export interface TextSink {
  /** Whether a person reads it. */
  readonly isTerminal: boolean;
  /** How wide the terminal is, in characters. */
  readonly columns: number;
  /** Whether the reader is gone (`ministate log DIR | head`); further output is dropped. */
  readonly closed: boolean;
  /** What went wrong, if it was anything but a reader that disappeared. */
  readonly failure: Error | null;
  /** How many characters wait to be written. */
  readonly pending: number;
  /** The runtime's own stream, for the progress bar. */
  readonly stream: unknown;
  /** Queues text. */
  write(text: string): void;
  /** Resolves once everything queued is with the operating system, or the reader is gone. */
  drained(): Promise<void>;
}

/** The process, as the command sees it. */
export interface Terminal {
  /** The arguments, without the runtime and the script. */
  readonly args: string[];
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Whether the input is typed at a terminal. */
  readonly stdinIsTerminal: boolean;
  /** Whether the environment may be read. Under Deno this needs a permission, and asking for it would interrupt. */
  readonly envReadable: boolean;
  /** A variable of the environment; `undefined` when it is not set or may not be read. */
  env(name: string): string | undefined;
  /**
   * The bytes of a file, or of standard input for `null`. They are read only as fast as they are consumed, until
   * `signal`.
   */
  read(path: string | null, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** A file's size in bytes; `null` when it has none, like a pipe. */
  sizeOf(path: string): Promise<number | null>;
  /** A signal that the first Ctrl-C or SIGTERM aborts (`reason` is its name); the second ends the process. */
  interruption(): AbortSignal;
  /** Ends the process. */
  exit(code: number): never;
}
