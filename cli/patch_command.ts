/**
 * `patch`: applies many mutations from a file or standard input, one per line.
 *
 * @module
 */

import { type Context, creation, openOrMakeDocument, remark, say, sayJson } from "./context.ts";
import { EXIT, interruptedCode } from "./exit.ts";
import { askToType, sourceNamed } from "./input.ts";
import { readInputLines } from "./lines.ts";
import { type LineRange, PATCH_SIZE_MAX, PatchStream } from "./patch_stream.ts";
import { lineStart, showProgress } from "./progress.ts";
import { countText, numberText, safeText } from "./text.ts";

/** How much output may wait for a slow reader before the input waits too, in characters. */
const OUTPUT_WAITING_MAX = 64 * 1024;

/** The options of `patch`. */
export interface PatchOptions {
  /** Print each sequence once it is durable. */
  ack?: boolean;
  /** Stop at the first line that is refused. */
  stop?: boolean;
  /** Whether to create a state in a directory that has none. */
  create?: boolean;
}

/** Applies every line of a file, or of standard input. */
export async function patch(
  context: Context,
  directory: string,
  file = "-",
  options: PatchOptions = {},
): Promise<number> {
  const { terminal, json } = context;
  const source = sourceNamed(file);
  const { path } = source;
  // Before the directory is created: a wrong file name must not leave an empty state behind.
  const sizeTotal = path === null ? null : await terminal.sizeOf(path);
  askToType(context, source, "one patch a line");
  const started = performance.now();
  const interruption = terminal.interruption();
  const manager = await openOrMakeDocument(context, directory, options.create);
  try {
    const stream = new PatchStream(manager, {
      acknowledged(sequence) {
        if (options.ack) json ? sayJson(context, { sequence }) : say(context, `${sequence}`);
      },
      refused: (line, reason) =>
        reportLines(context, { first: line, last: line }, `${reason}; nothing of it was applied`),
      notTaken: (lines) => reportLines(context, lines, whyNotTaken(lines)),
    });
    const input = { size: 0, lines: 0 };
    const hideProgress = await showProgress(
      context,
      "patch",
      sizeTotal,
      () => ({ size: input.size, count: stream.acknowledged }),
    );
    try {
      // The reader of the sequences is gone: don't go beyond the sequences that it received.
      const isOver = () =>
        interruption.aborted || (options.ack && terminal.stdout.closed) ||
        (options.stop && stream.refused > 0);
      await feed(terminal.stdout, stream, terminal.read(path, interruption), input, isOver);
    } finally {
      hideProgress();
      // Even on failure: what was applied must not be applied again.
      const durationMs = performance.now() - started;
      const made = creation(manager);
      summarize(context, stream, { lines: input.lines, durationMs, made }, interruption.aborted);
    }
    if (interruption.aborted) return interruptedCode(interruption);
    return stream.refused > 0 || terminal.stdout.closed ? EXIT.incomplete : EXIT.ok;
  } finally {
    await manager.close();
  }
}

async function feed(
  stdout: Context["terminal"]["stdout"],
  stream: PatchStream,
  chunks: AsyncIterable<Uint8Array>,
  input: { size: number; lines: number },
  isOver: () => boolean | undefined,
): Promise<void> {
  try {
    for await (const lines of readInputLines(chunks, PATCH_SIZE_MAX)) {
      for (const line of lines) {
        if (isOver()) return;
        input.lines++;
        input.size += line.size + 1;
        await stream.add(line);
      }
      if (stdout.pending > OUTPUT_WAITING_MAX) await stdout.drained();
    }
  } finally {
    await stream.settled();
  }
}

function whyNotTaken({ first, last, code }: LineRange): string {
  const them = first === last ? "it" : "them";
  // A batch whose sync failed may be on the disk all the same.
  const outcome = code === "POISONED"
    ? `the next open shows whether ${first === last ? "it was" : "they were"} applied`
    : `nothing of ${them} was applied`;
  return `the journal did not accept ${them} (${code}); ${outcome}`;
}

function reportLines(
  context: Context,
  { first, last }: Pick<LineRange, "first" | "last">,
  reason: string,
): void {
  const { stderr } = context.terminal;
  const message = `${first === last ? `line ${first}` : `lines ${first} to ${last}`}: ${reason}`;
  if (context.json) {
    const lineLast = first === last ? undefined : last;
    const error = { code: "LINE_REFUSED", message, line: first, lineLast };
    stderr.write(JSON.stringify({ error }) + "\n");
  } else stderr.write(`${lineStart(context)}${context.paintError.red(safeText(message))}\n`);
}

function summarize(
  context: Context,
  stream: PatchStream,
  { lines, durationMs, made }: { lines: number; durationMs: number; made: { created?: true } },
  interrupted: boolean,
): void {
  const { acknowledged, refused, sequence } = stream;
  const seconds = durationMs / 1000;
  if (context.json) {
    sayJson(context, {
      lines,
      applied: acknowledged,
      refused,
      sequence,
      seconds: Math.round(durationMs) / 1000,
      interrupted,
      ...made,
    });
    return;
  }
  const rate = numberText(Math.round(acknowledged / Math.max(seconds, 0.001)));
  const parts = [
    `${countText(acknowledged, "line")} applied`,
    refused > 0 ? `${numberText(refused)} refused` : "",
    `sequence ${sequence}`,
    `${seconds.toFixed(1)} s (${rate} lines/s)`,
  ];
  const text = parts.filter((part) => part !== "").join(", ");
  remark(context, interrupted ? `Interrupted: ${text}` : text);
}
