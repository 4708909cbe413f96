/**
 * `log`: prints the mutations in readable form, including those that another process is writing now.
 *
 * @module
 */

import { HistoryGoneError } from "../src/errors.ts";
import { type FileReading, FileSource } from "../src/journal/file_source.ts";
import { JournalCursor, type VersionedRecord } from "../src/journal/journal_cursor.ts";
import { JournalFiles } from "../src/journal/journal_files.ts";
import { listState } from "../src/disk/list_state.ts";
import { type StateFiles, stemOf } from "../src/disk/names.ts";
import { type Context, journalNameIn, remark, say, sayJson } from "./context.ts";
import { CommandError, EXIT, interruptedCode, usageError } from "./exit.ts";
import { firstOf, parseSince } from "./log_range.ts";
import { inspectSteadily } from "./steady.ts";
import { rangeText, safeText, timeText } from "./text.ts";

/** How often to retry a read when a writer changes files during it. */
const ATTEMPTS = 5;

const OUTPUT_WAITING_MAX = 256 * 1024;

/** The options of `log`. */
export interface LogOptions {
  from?: number;
  to?: number;
  /** How many at most, from the end. */
  last?: number;
  /** A time, as {@linkcode parseSince} reads it. */
  since?: string;
  follow?: boolean;
}

/** Prints mutations from the journal. */
export async function log(
  context: Context,
  directory: string,
  options: LogOptions,
): Promise<number> {
  const { fs, terminal, machine } = context;
  if (options.from !== undefined && options.last !== undefined) {
    throw usageError("--from and --last both say where to begin: give one of them");
  }
  const since = options.since === undefined ? -Infinity : parseSince(options.since, machine.now());
  if (since === null) {
    throw usageError(
      `--since wants a time, such as "2026-11-26 03:00" (UTC) or 90m, got "${options.since}"`,
    );
  }
  const stem = stemOf(await journalNameIn(context, directory));
  const list = () => listState(fs, directory, stem);
  const begin = async () => {
    const files = new JournalFiles(fs, list);
    const from = options.from ?? await firstOf(files, options);
    return new JournalCursor(files, Math.max(1, from), () => null, { beside: true });
  };
  let to = options.to ?? Infinity;
  const interruption = options.follow ? terminal.interruption() : undefined;
  const reading = { follow: options.follow === true, attempts: ATTEMPTS, turns: null };
  const { cursor, source, isMore } = await beginReading(begin, reading, options.from !== undefined)
    .catch((error) => explainGone(error, list, options.from));
  const stop = () => source.stop();
  interruption?.addEventListener("abort", stop);
  try {
    // A busy writer can be faster than the reader. Without `--follow`, what it writes into later segments is left out.
    const begun = (await list()).segments.map(({ sequence }) => sequence);
    const newest = options.follow ? Infinity : Math.max(0, ...begun);
    for (let goesOn = isMore; goesOn; goesOn = await source.fetch()) {
      for (let record; (record = source.take()) !== null;) {
        if (record.sequence > to) return EXIT.ok;
        if (record.timestamp >= since) print(context, record);
      }
      if (terminal.stdout.pending > OUTPUT_WAITING_MAX) await terminal.stdout.drained();
      if (cursor.next > newest) {
        const after = (await list()).segments.find(({ sequence }) => sequence > newest);
        to = Math.min(to, (after?.sequence ?? Infinity) - 1);
      }
      if (interruption?.aborted || terminal.stdout.closed || cursor.next > to) break;
    }
    if (interruption?.aborted) return interruptedCode(interruption);
    if (options.follow || cursor.damage === null || cursor.next > to) return EXIT.ok;
    return await explainEnd(context, directory, cursor.next);
  } catch (error) {
    return await explainGone(error, list, options.from);
  } finally {
    interruption?.removeEventListener("abort", stop);
    await cursor.close();
  }
}

/**
 * Reads the first records. If no start was requested, a compaction may delete them first; then start with what is left.
 */
async function beginReading(
  begin: () => Promise<JournalCursor>,
  reading: FileReading,
  isWanted: boolean,
) {
  for (let attempt = 1;; attempt++) {
    const cursor = await begin();
    const source = new FileSource(cursor, reading);
    try {
      return { cursor, source, isMore: await source.fetch() };
    } catch (error) {
      await cursor.close();
      if (!(error instanceof HistoryGoneError) || isWanted || attempt >= ATTEMPTS) throw error;
    }
  }
}

/** What a compaction deletes during the read is not what the user asked for: say how to continue. */
async function explainGone(
  error: unknown,
  list: () => Promise<StateFiles>,
  from: number | undefined,
): Promise<never> {
  if (!(error instanceof HistoryGoneError) || error.sequence === from) throw error;
  const { path, sequence } = error;
  const first = (await list()).segments.find((segment) => segment.sequence > sequence!);
  const rest = first === undefined ? "" : `; continue with --from ${first.sequence}`;
  throw new HistoryGoneError(
    `A compaction deleted the mutations from sequence ${sequence} on before they could be read${rest}`,
    { path, sequence, cause: error },
  );
}

function print(context: Context, record: VersionedRecord): void {
  const { sequence, timestamp, mutation, refused } = record;
  if (context.json) return sayJson(context, { sequence, timestamp, mutation, refused });
  const { bold, dim } = context.paint;
  const place = bold(String(sequence).padStart(8));
  const outcome = refused === true ? "  (refused)" : "";
  const text = `${dim(timeText(timestamp))}  ${safeText(JSON.stringify(mutation))}${outcome}`;
  say(context, `${place}  ${text}`);
}

/** The output must not appear to end normally when there is more that can't be read. */
async function explainEnd(context: Context, directory: string, next: number): Promise<number> {
  const inspection = await inspectSteadily(context, directory);
  const finding = inspection.findings.find(({ severity, sequence }) =>
    severity === "corrupt" && sequence !== null && sequence >= next
  );
  if (finding !== undefined) {
    throw new CommandError(
      "CORRUPT",
      `The journal continues, but "${finding.path}" is damaged at offset ${finding.offset}: sequence ` +
        `${
          rangeText(finding.sequence!, finding.sequenceLast)
        } can't be read; run "ministate verify"`,
    );
  }
  const torn = inspection.nextOpen.torn;
  if (torn !== null) {
    remark(context, `After this, ${torn.size} bytes are a torn tail that was never acknowledged`);
  }
  return EXIT.ok;
}
