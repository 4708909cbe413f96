/**
 * `log`: the mutations, readable, also those that another process is writing now.
 *
 * @module
 */

import { HistoryGoneError } from "../errors.ts";
import { JournalCursor, type VersionedRecord } from "../journal/journal_cursor.ts";
import { listState, stemOf } from "../format/names.ts";
import { type Context, journalNameIn, pause, remark, say, sayJson } from "./context.ts";
import { CommandError, EXIT } from "./exit.ts";
import { inspectSteadily } from "./steady.ts";
import { rangeText, safeText, timeText } from "./text.ts";

/** How often a live journal is looked at for more, in milliseconds. */
const POLL_MS = 200;

/** How often a read beside a writer is tried again when files change under it. */
const ATTEMPTS = 5;

const OUTPUT_WAITING_MAX = 256 * 1024;

/** The options of `log`. */
export interface LogOptions {
  from?: number;
  to?: number;
  follow?: boolean;
}

/** Prints mutations from the journal. */
export async function log(
  context: Context,
  directory: string,
  options: LogOptions,
): Promise<number> {
  const { fs, terminal } = context;
  const stem = stemOf(await journalNameIn(context, directory));
  const list = () => listState(fs, directory, stem);
  const begin = async () => {
    const from = Math.max(1, options.from ?? (await list()).segments[0]?.sequence ?? 1);
    return new JournalCursor(fs, list, from);
  };
  const to = options.to ?? Infinity;
  const interruption = options.follow ? terminal.interruption() : undefined;
  let { cursor, records } = await readFirst(begin, options.from !== undefined);
  try {
    for (;; records = await readOn(cursor)) {
      for (const record of records ?? []) {
        if (record.sequence > to) return EXIT.ok;
        print(context, record);
      }
      if (terminal.stdout.pending > OUTPUT_WAITING_MAX) await terminal.stdout.drained();
      if (interruption?.aborted || terminal.stdout.closed || cursor.next > to) return EXIT.ok;
      if (records !== null) continue;
      if (!options.follow) break;
      await pause(POLL_MS, interruption);
    }
    if (cursor.damage === null) return EXIT.ok;
    return await explainEnd(context, directory, cursor.next);
  } finally {
    await cursor.close();
  }
}

/** Reads what comes first. Unless that was asked for by its number, a compaction may take it: then something else is first. */
async function readFirst(begin: () => Promise<JournalCursor>, isWanted: boolean) {
  for (let attempt = 1;; attempt++) {
    const cursor = await begin();
    try {
      return { cursor, records: await readOn(cursor) };
    } catch (error) {
      await cursor.close();
      if (!(error instanceof HistoryGoneError) || isWanted || attempt >= ATTEMPTS) throw error;
    }
  }
}

/** Reads on; what a writer or its compaction changed in mid-read is read again. */
async function readOn(cursor: JournalCursor): Promise<VersionedRecord[] | null> {
  for (let attempt = 1;; attempt++) {
    try {
      return await cursor.read();
    } catch (error) {
      if (error instanceof HistoryGoneError || attempt >= ATTEMPTS) throw error;
      await cursor.close();
      await pause(POLL_MS);
    }
  }
}

function print(context: Context, record: VersionedRecord): void {
  const { sequence, timestamp, mutation } = record;
  if (context.json) return sayJson(context, { sequence, timestamp, mutation });
  const { bold, dim } = context.paint;
  const place = bold(String(sequence).padStart(8));
  say(context, `${place}  ${dim(timeText(timestamp))}  ${safeText(JSON.stringify(mutation))}`);
}

/** The last line must not look like the end when it isn't. */
async function explainEnd(context: Context, directory: string, next: number): Promise<number> {
  const inspection = await inspectSteadily(context, directory);
  const finding = inspection.findings.find(({ severity, sequence }) =>
    severity === "corrupt" && sequence !== null && sequence >= next
  );
  if (finding !== undefined) {
    throw new CommandError(
      "CORRUPT",
      `The journal goes on, but "${finding.path}" is damaged at offset ${finding.offset}: sequence ` +
        `${
          rangeText(finding.sequence!, finding.sequenceLast)
        } can't be read; run "ministate verify"`,
    );
  }
  const torn = inspection.nextOpen.torn;
  if (torn !== null) {
    remark(context, `Behind this, ${torn.size} bytes are a torn tail that was never acknowledged`);
  }
  return EXIT.ok;
}
