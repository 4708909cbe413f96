/**
 * The records of a journal that this process is writing: history from the disk, then new ones from memory.
 *
 * @module
 */

import { HistoryGoneError } from "../errors.ts";
import { rangeOf } from "../format/ranges.ts";
import { parseExactly } from "../format/json_parse.ts";
import type { StateDirectory } from "./state_directory.ts";
import { JournalCursor, type VersionedRecord } from "./journal_cursor.ts";
import type { JournalWriter } from "./journal_writer.ts";
import type { TailNode } from "./live_tail.ts";
import type { RecordSource } from "./record_source.ts";
import type { SegmentPlace } from "./segment_reader.ts";

/** One follower of a live journal. It holds a file open only while it is reading. */
export class LiveSource implements RecordSource {
  readonly #directory: StateDirectory;
  readonly #writer: JournalWriter;
  #next: number;
  /** Where the first record will stand, if it is still to come. Otherwise its segment is read from the beginning. */
  readonly #start: SegmentPlace | null;
  /** The follower's place in memory. Anything earlier is read from the disk. */
  #node: TailNode | null = null;
  #cursor: JournalCursor | null = null;
  /** The first sequence that is not read from the disk. */
  #end = 0;
  /** Records read from the disk, the next one at `#at`. */
  #records: VersionedRecord[] = [];
  #at = 0;
  #stopped = false;
  #wake: (() => void) | null = null;

  /** @param from the first sequence wanted */
  constructor(directory: StateDirectory, writer: JournalWriter, from: number) {
    this.#directory = directory;
    this.#writer = writer;
    this.#next = from;
    this.#start = writer.tail.placeOf(from);
  }

  take(): VersionedRecord | null {
    if (this.#at < this.#records.length) return this.#records[this.#at++]!;
    for (let node = this.#node; node !== null; node = this.#node) {
      const { batch, sequenceFirst } = node;
      if (batch === null || this.#next < sequenceFirst) return null;
      const text = batch.texts[this.#next - sequenceFirst];
      if (text === undefined) {
        this.#node = this.#writer.tail.advance(node);
        continue;
      }
      const { timestamp, version } = batch;
      const sequence = this.#next++;
      const refused = rangeOf(batch.refused, sequence) !== undefined;
      return { sequence, timestamp, mutation: parseExactly(text), version, refused };
    }
    return null;
  }

  async fetch(): Promise<boolean> {
    const { tail } = this.#writer;
    const node = this.#follow();
    // What was in memory has been taken already. After the end, read nothing by name: the files may be another
    // journal's.
    if (tail.ended) return false;
    if (this.#next < node.sequenceFirst) await tail.reads.run(() => this.#read());
    else await new Promise<void>((resolve) => tail.wait(this.#wake = resolve));
    return true;
  }

  /** Takes a place in memory before reading, so that records that arrive during the read are still there afterwards. */
  #follow(): TailNode {
    const before = this.#node;
    if (before !== null && !before.isGone) return before;
    const node = this.#node = this.#writer.tail.join();
    this.#end = node.sequenceFirst;
    if (this.#cursor === null && this.#next < this.#end) {
      this.#cursor = new JournalCursor(
        this.#directory.files,
        this.#next,
        () => ({ ...this.#writer.limit, sequence: this.#end - 1 }),
        { place: before === null ? this.#start : before.place },
      );
    }
    return node;
  }

  async #read(): Promise<void> {
    // It may have ended while other followers had their turn.
    if (this.#stopped) return;
    const cursor = this.#cursor!;
    try {
      const records = await cursor.read();
      if (records === null) throw missing(this.#directory, this.#next);
      if (this.#stopped) return;
      this.#records = records;
      this.#at = 0;
      this.#next = cursor.next;
    } finally {
      await cursor.rest();
    }
    if (this.#next >= this.#end) this.#cursor = null;
  }

  stop(): void {
    this.#stopped = true;
    const { tail } = this.#writer;
    if (this.#node !== null) tail.leave(this.#node);
    this.#node = null;
    this.#records = [];
    if (this.#wake === null) return;
    tail.cancel(this.#wake);
    this.#wake();
  }
}

/** What was acknowledged must be there. Otherwise the follower would ask for it again and again. */
function missing({ path }: StateDirectory, sequence: number): HistoryGoneError {
  return new HistoryGoneError(
    `The journal in "${path}" no longer has any segments, and ${sequence} was asked for: its records are gone`,
    { path, sequence },
  );
}
