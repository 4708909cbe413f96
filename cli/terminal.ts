/**
 * What the command needs of the world around it, as an interface; `cli/process/terminal.ts` implements it.
 *
 * @module
 */

/** Standard output or standard error. Writing never fails: a reader that went away shows in `closed`. */
export interface TextSink {
  /** Whether a person reads it. */
  readonly isTerminal: boolean;
  /** How wide the terminal is, in characters. */
  readonly columns: number;
  /** Whether nobody reads it any more (`ministate log DIR | head`); what is written then is dropped. */
  readonly closed: boolean;
  /** What went wrong, when it was something else than a reader that went away. */
  readonly failure: Error | null;
  /** How many characters wait to be written. */
  readonly pending: number;
  /** The runtime's own stream, for the progress bar. */
  readonly stream: unknown;
  /** Queues text. */
  write(text: string): void;
  /** Resolves once everything queued is with the operating system, or nobody reads it any more. */
  drained(): Promise<void>;
}

/** The process, as the command sees it. */
export interface Terminal {
  /** The arguments, without the runtime and the script. */
  readonly args: string[];
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Whether a person types the input. */
  readonly stdinIsTerminal: boolean;
  /** Whether the environment may be read (under Deno it needs a permission, and asking would interrupt). */
  readonly envReadable: boolean;
  /** A variable of the environment; `undefined` when it is not set or may not be read. */
  env(name: string): string | undefined;
  /** The bytes of a file, or of standard input for `null`; read only as fast as they are taken, until `signal`. */
  read(path: string | null, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** A file's size in bytes; `null` when it has none, as a pipe. */
  sizeOf(path: string): Promise<number | null>;
  /** A signal that is aborted by the first Ctrl-C or SIGTERM (`reason` is its name); the second ends the process. */
  interruption(): AbortSignal;
  /** Ends the process. */
  exit(code: number): never;
}
