/**
 * Reads files and standard input so that the command can end while it waits for more.
 *
 * @module
 */

import fs from "node:fs";
import process from "node:process";
import type { Readable } from "node:stream";
import { thisRuntime } from "./runtime.ts";

/** Opens a file for reading. */
type Opener = (path: string) => Promise<Readable>;

/** Chooses how a runtime opens a file that may have nothing to read yet. */
export function openerFor(runtime: string): Opener {
  return runtime === "Node" ? openWithoutWaiting : openPlainly;
}

function openPlainly(path: string): Promise<Readable> {
  return Promise.resolve(fs.createReadStream(path));
}

/**
 * Opens a pipe or a terminal so that no thread waits for it. Node ends only once all its threads have, and one that
 * waits for the writer of a named pipe can wait for good: neither Ctrl-C nor `process.exit` would end the command.
 */
async function openWithoutWaiting(path: string): Promise<Readable> {
  const descriptor = await new Promise<number>((resolve, reject) => {
    const { O_RDONLY, O_NONBLOCK } = fs.constants;
    fs.open(
      path,
      O_RDONLY | O_NONBLOCK,
      (error, opened) => error ? reject(error) : resolve(opened),
    );
  });
  if (fs.fstatSync(descriptor).isFIFO()) {
    const { Socket } = await import("node:net");
    return new Socket({ fd: descriptor, readable: true, writable: false });
  }
  const { isatty, ReadStream } = await import("node:tty");
  if (isatty(descriptor)) return new ReadStream(descriptor);
  return fs.createReadStream(path, { fd: descriptor });
}

/** The bytes of a file, or of standard input for `null`, until `signal`. */
export async function* read(
  path: string | null,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (signal?.aborted) return;
  // Raced, because Deno keeps waiting for standard input after the stream is destroyed. Listens before the file is
  // opened: a signal that comes meanwhile is not said again.
  const stopped = new Promise<null>((resolve) =>
    signal?.addEventListener("abort", () => resolve(null), { once: true })
  );
  const stream = path === null ? process.stdin : await openerFor(thisRuntime().name)(path);
  const chunks: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), stopped]);
      if (next === null || next.done) return;
      yield next.value;
    }
  } finally {
    stream.destroy();
  }
}

/** A file's size in bytes; `null` when it has none, like a pipe. */
export async function sizeOf(path: string): Promise<number | null> {
  const info = await fs.promises.stat(path);
  return info.isFile() ? info.size : null;
}
