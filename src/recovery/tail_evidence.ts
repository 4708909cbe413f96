/**
 * Searches after damage for evidence that the damaged bytes had been acknowledged: a later sound batch or seal.
 *
 * @module
 */

import { BatchStarts } from "./batch_starts.ts";
import {
  BATCH_SIZE_MAX,
  BATCH_TAIL_SIZE,
  isCount,
  LINE_FEED,
  LINE_SIZE_MAX,
  TORN_SIZE_MAX,
} from "../format/format.ts";
import { batchEndAfterDamage } from "../format/batch_end.ts";
import { skipLineFeeds } from "../format/fill.ts";
import { type Batch, batchChecksumAt, parseBatch } from "../format/batch_scan.ts";
import { isRanges, NO_RANGES, type SequenceSpan } from "../format/ranges.ts";
import { readControlLine } from "../format/scan.ts";
import type { SegmentReader } from "../journal/segment_reader.ts";
import type { Crc32 } from "../format/encode.ts";

/** A sound line after the damage. */
export interface Proof {
  /** The offset of the first sound line. */
  offset: number;
  /** The first sequence that is sound after the damage. All sequences below it had been synced. */
  sequenceFirst: number;
  /** The highest sequence that any sound line names. */
  sequenceLast: number;
}

/** What follows the sound part of a segment. */
export interface TailEvidence {
  proof: Proof | null;
  /** The end of the last byte that is not a line feed. Everything after it is empty space. */
  writtenEnd: number;
  /** The highest sequence that lines seem to name, proven or not, for a report; `null` if none does. */
  sequenceNamed: number | null;
  /** Whether the search gave up, because the file was made to prolong it. */
  exhausted: boolean;
  /** Whether a part was not searched: after too many zeros for a power cut, the damage is proven. */
  skipped: boolean;
}

/** A seal after damage. */
export interface SoundSeal {
  sequence: number;
  /** The mutations that it lists as refused; `null` when it doesn't say. */
  refused: readonly SequenceSpan[] | null;
  /** The offset of the byte after its line feed. */
  offsetEnd: number;
}

/** Receives the sound lines after damage, in their order in the file. */
export interface SoundLines {
  batch(batch: Batch): Promise<void>;
  seal(seal: SoundSeal): void;
}

/**
 * The highest sequence that the bytes after damage name, 0 for none. What damaged lines merely seem to name counts only
 * in the newest segment: in any other, the next segment's first sequence shows where the records end.
 */
export function highestNamed(evidence: TailEvidence | null, isLast: boolean): number {
  return (isLast ? evidence?.sequenceNamed : evidence?.proof?.sequenceLast) ?? 0;
}

/**
 * How much may be checksummed in search of proof, as a multiple of the bytes searched. Only a hostile file reaches it:
 * it is more than the places tried for one batch, so that one torn batch never does.
 */
const EFFORT_MAX = 20;

const SEARCH_SIZE = LINE_SIZE_MAX;
const BRACE_CLOSE = 0x7d;
const utf8 = new TextDecoder();
const latin1 = new TextDecoder("latin1");

/**
 * Searches the segment from `from` to its end.
 *
 * A batch names its own beginning (its first sequence is its horizon plus one). One that follows damage can therefore
 * be verified even if the damage swallowed the line feed before it.
 *
 * Zeros are never our bytes. Once there are more of them than a power cut can leave, the damage is proven, and only the
 * end of the file still matters, for the highest sequence: a sparse file may claim any size.
 *
 * @param sound receives what is sound
 */
export async function findTailEvidence(
  reader: SegmentReader,
  from: number,
  crc32: Crc32,
  sound?: SoundLines,
): Promise<TailEvidence> {
  const search = new ProofSearch(reader, from, crc32, sound);
  let buffer = new Uint8Array(64 * 1024);
  let at = from;
  let kept = 0;
  let zerosLeft = TORN_SIZE_MAX;
  for (;;) {
    const count = await reader.readAt(buffer.subarray(kept), at + kept);
    const bytes = buffer.subarray(0, kept + count);
    zerosLeft -= countZeros(bytes.subarray(kept));
    if (zerosLeft < 0) {
      search.note(bytes, at);
      search.evidence.skipped = true;
      at = Math.max(at, await reader.size() - TORN_SIZE_MAX);
      kept = 0;
      zerosLeft = Infinity;
      continue;
    }
    const atEnd = count < buffer.length - kept;
    const consumed = await search.lines(bytes, at);
    if (atEnd) {
      search.note(bytes.subarray(consumed), at + consumed);
      return search.evidence;
    }
    buffer.copyWithin(0, consumed, bytes.length);
    kept = bytes.length - consumed;
    at += consumed;
    if (kept === buffer.length) {
      if (buffer.length < SEARCH_SIZE) {
        const larger = new Uint8Array(buffer.length * 4);
        larger.set(buffer);
        buffer = larger;
      } else {
        // Longer than any line of ours, so it can't hold a proof. The search continues after it.
        search.note(bytes, at);
        at += kept;
        kept = 0;
      }
    }
  }
}

function countZeros(bytes: Uint8Array): number {
  let count = 0;
  // The fast search first: there is almost never a zero.
  for (let at = bytes.indexOf(0); at >= 0 && at < bytes.length; at++) if (bytes[at] === 0) count++;
  return count;
}

class ProofSearch {
  readonly evidence: TailEvidence;
  readonly #reader: SegmentReader;
  readonly #crc32: Crc32;
  readonly #expected: number;
  readonly #starts: BatchStarts;
  readonly #sound: SoundLines | undefined;
  #effort = 0;
  #searched = 0;

  constructor(reader: SegmentReader, from: number, crc32: Crc32, sound: SoundLines | undefined) {
    this.#reader = reader;
    this.#crc32 = crc32;
    this.#expected = reader.expected;
    this.#starts = new BatchStarts(reader.expected);
    this.#sound = sound;
    const unproven = { proof: null, sequenceNamed: null };
    this.evidence = { ...unproven, writtenEnd: from, exhausted: false, skipped: false };
  }

  /** Notes where bytes that are not empty space end. */
  note(bytes: Uint8Array, base: number): void {
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === LINE_FEED) end--;
    if (end > 0) this.evidence.writtenEnd = base + end;
  }

  /** Examines all complete lines in `bytes`; returns how many bytes they take. */
  async lines(bytes: Uint8Array, base: number): Promise<number> {
    let start = 0;
    for (;;) {
      start = skipLineFeeds(bytes, start);
      const end = bytes.indexOf(LINE_FEED, start);
      if (end < 0) break;
      const reading = this.#line(bytes, start, end, base);
      // Most lines need no reading: a file of millions of them must not take as many turns.
      if (reading !== null) await reading;
      start = end + 1;
    }
    this.note(bytes.subarray(0, start), base);
    this.#searched += start;
    return start;
  }

  /** Examines one line; `null` when nothing had to be read for it. */
  #line(bytes: Uint8Array, start: number, end: number, base: number): Promise<void> | null {
    const begins = this.#starts.collect(bytes, start, end, base);
    if (begins >= 0) this.#see(begins);
    const checksum = batchChecksumAt(bytes, start, end);
    // One character per byte, so that positions in the text are positions in the file even where bytes are damaged.
    if (checksum >= 0) {
      return this.#tryBatch(latin1.decode(bytes.subarray(start, end)), checksum, base + end);
    }
    if (bytes[end - 1] === BRACE_CLOSE) {
      const line = bytes.subarray(start, end);
      this.#trySeal(line, latin1.decode(line), base + start);
    }
    return null;
  }

  #see(sequence: number): void {
    // A line that names a sequence far away is garbage, not a record of ours.
    if (sequence - this.#expected > BATCH_SIZE_MAX) return;
    this.evidence.sequenceNamed = Math.max(this.evidence.sequenceNamed ?? 0, sequence);
  }

  async #tryBatch(text: string, checksum: number, lineEnd: number): Promise<void> {
    const end = batchEndAfterDamage(text);
    if (end === null) return;
    for (const start of this.#starts.of(end.horizon + 1)) {
      const bodySize = lineEnd + 1 - BATCH_TAIL_SIZE - start;
      if (bodySize <= 0 || bodySize > BATCH_SIZE_MAX || this.#exhausted(bodySize)) continue;
      const bytes = new Uint8Array(lineEnd - start);
      await this.#reader.readAt(bytes, start);
      if (this.#crc32(bytes.subarray(0, bodySize), this.#reader.seed) !== checksum) continue;
      const batch = parseBatch(utf8.decode(bytes), {
        offset: start,
        offsetEnd: lineEnd + 1,
        checksum,
      });
      if (batch === null) continue;
      this.#prove(start, batch.sequenceFirst, batch.sequenceLast);
      await this.#sound?.batch(batch);
    }
  }

  #exhausted(size: number): boolean {
    this.#effort += size;
    const exhausted = this.#effort > EFFORT_MAX * (this.#searched + BATCH_SIZE_MAX);
    if (exhausted) this.evidence.exhausted = true;
    return exhausted;
  }

  #trySeal(line: Uint8Array, text: string, offset: number): void {
    const at = text.lastIndexOf('{"seal":');
    if (at < 0) return;
    const control = readControlLine(line.subarray(at), this.#crc32, this.#reader.seed);
    const sequence = control?.content.seal;
    if (!isCount(sequence) || sequence < this.#expected) return;
    this.#prove(offset, sequence + 1, sequence);
    const { refused = NO_RANGES, undecided } = control!.content;
    const isListed = refused === NO_RANGES || isRanges(refused, 1, sequence);
    this.#sound?.seal({
      sequence,
      refused: isListed && undecided !== true ? refused as readonly SequenceSpan[] : null,
      offsetEnd: offset + line.length + 1,
    });
  }

  #prove(offset: number, sequenceFirst: number, sequenceLast: number): void {
    const proof = this.evidence.proof ??= { offset, sequenceFirst, sequenceLast };
    proof.sequenceLast = Math.max(proof.sequenceLast, sequenceLast);
    // The proven sequence replaces what damaged lines before it seemed to name.
    this.evidence.sequenceNamed = proof.sequenceLast;
  }
}
