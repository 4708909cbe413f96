/**
 * Captures the state at one sequence for a snapshot, without making callers wait for longer than a few milliseconds.
 *
 * @module
 */

import { type Pieces, TimedPieces } from "../disk/pieces.ts";
import type { DurableFs } from "../durable_fs.ts";
import { MinistateError } from "../errors.ts";
import { isDiskFull } from "../failures.ts";
import type { HistoryPoint } from "../format/history_point.ts";
import { encodeState } from "../format/snapshot_encode.ts";
import type { JournalWriter } from "../journal/journal_writer.ts";
import type { Backpressure } from "./backpressure.ts";
import type { RebuildPieces } from "./history.ts";
import type { JournalGrowth } from "./journal_growth.ts";
import { LiveEncoding } from "./live_encoding.ts";

/** The state at one sequence, ready to be written. */
export interface Capture extends HistoryPoint {
  lines: () => Iterable<string>;
  /** How much of it to write at once. */
  write: Pieces;
}

/** Where the state to be written comes from. */
export interface StateSource {
  /** The live state. */
  live: () => unknown;
  /** Builds the state after a sequence from the disk. */
  rebuild: (sequence: number, pieces: RebuildPieces) => Promise<unknown>;
}

/**
 * Which sequence to capture: `next`, that of the batch in progress; `queued`, that of the last call submitted before; or
 * `last`, after which no mutation can come.
 */
export type CaptureTime = "next" | "queued" | "last";

/** What decides how a state is captured. */
export interface CaptureSettings {
  /** Measured from the last capture. */
  growth: JournalGrowth;
  pressure: Backpressure;
  snapshotsKept: number;
}

/** Captures the state of one journal. */
export class StateCapture {
  readonly #writer: JournalWriter;
  readonly #state: StateSource;
  readonly #settings: CaptureSettings;
  readonly #live: LiveEncoding;
  readonly #rebuild: RebuildPieces;
  /** For lines that are encoded already, and for those that are encoded while they are written. */
  readonly #writeLines: Pieces;
  readonly #encodeLines: Pieces;
  /** How much of a snapshot to verify at once. */
  readonly verify: Pieces;

  constructor(fs: DurableFs, writer: JournalWriter, state: StateSource, settings: CaptureSettings) {
    this.#writer = writer;
    this.#state = state;
    this.#settings = settings;
    this.#live = new LiveEncoding(fs);
    const { pressure } = settings;
    const pieces = (onPiece = (size: number, _ms: number) => pressure.advance(size)) =>
      new TimedPieces(fs, { budgetMs: () => pressure.pieceMs, onPiece });
    this.#rebuild = { read: pieces(), replay: pieces() };
    this.#writeLines = pieces();
    this.#encodeLines = pieces((size, ms) => {
      pressure.advance(size);
      this.#live.note(size, ms);
    });
    this.verify = pieces();
  }

  /**
   * Begins a new segment and captures the state before it.
   *
   * @param sizeExpected the size of the last snapshot; 0 when there is none
   */
  async take(time: CaptureTime, sizeExpected: number): Promise<Capture> {
    const begin = () => this.#begin(sizeExpected);
    const { lines, ...point } =
      await (time === "next" ? this.#writer.queue.next(begin) : this.#writer.exclusive(begin));
    if (lines !== null) return { ...point, lines: () => lines, write: this.#writeLines };
    const encoded = (state: unknown) => ({
      lines: () => encodeState(state),
      write: this.#encodeLines,
    });
    // The live state stays as it is, and its process may be killed soon: don't replay anything first.
    if (time === "last") return { ...point, ...encoded(this.#state.live()) };
    try {
      return { ...point, ...encoded(await this.#state.rebuild(point.sequence, this.#rebuild)) };
    } catch (error) {
      if (!(error instanceof MinistateError)) throw error;
      // The disk can't be read but memory is sound: a snapshot of it is worth the wait.
      return await this.#writer.queue.next(() => {
        const lines = [...encodeState(this.#state.live())];
        const { sequence, checksum } = this.#writer;
        const write = this.#writeLines;
        return Promise.resolve({ sequence, checksum, lines: () => lines, write });
      });
    }
  }

  /** Begins a new segment, and encodes the state if that is quick. No batch is committed during this. */
  async #begin(sizeExpected: number): Promise<HistoryPoint & { lines: string[] | null }> {
    const { growth, pressure, snapshotsKept } = this.#settings;
    const { sequence, checksum } = this.#writer;
    const lines = this.#live.encode(this.#state.live(), sizeExpected);
    try {
      // So that the next open reads only this snapshot and later segments, and the older segments can be deleted.
      await this.#writer.rotate();
    } catch (error) {
      // The snapshot is just as good without a new segment; the current one stays until a later compaction.
      if (!isDiskFull(error)) throw error;
      // The next open doesn't run what the snapshot holds, so it can't find out again what was refused.
      await this.#writer.recordRefusals();
    }
    // The snapshot is written and verified, and so are those that are kept before anything is deleted.
    const size = lines?.reduce((sum, line) => sum + line.length, 0) ?? sizeExpected;
    const rebuilding = lines === null ? sizeExpected + growth.size : 0;
    pressure.begin(rebuilding + (2 + snapshotsKept) * size);
    growth.restart();
    return { sequence, checksum, lines };
  }
}
