/**
 * Tells two histories of one journal apart: the headers of segments and snapshots name the checksum of the batch they
 * come after. Pure.
 *
 * @module
 */

import type { Batch } from "./batch_scan.ts";
import { hex8 } from "./encode.ts";
import type { SegmentHeader, SnapshotHeader } from "./format.ts";

/** A place in a history, right after a sequence. */
export interface HistoryPoint {
  sequence: number;
  /** The checksum of the batch that ends there; `null` when it is not known. */
  checksum: number | null;
}

/** Stands for a checksum where no batch ends. No batch has this value. */
const NO_BATCH_ENDS = -1;

const CHECKSUM = /^[0-9a-f]{8}$/;

/** Checks what a header says about the batch before it. */
export function isAfter(
  after: unknown,
  kind: (SegmentHeader | SnapshotHeader)["ministate"],
  position: number,
): boolean {
  const isChecksum = typeof after === "string" && CHECKSUM.test(after);
  if (kind === "snapshot") return after === undefined || isChecksum;
  // A segment that leaves it out would fit every history.
  return position <= 1 ? after === undefined : after === null || isChecksum;
}

/** What the header of a segment that begins with `first` says about the batch before it. */
export function afterBatch(first: number, checksum: number | null): string | null | undefined {
  if (first <= 1) return undefined;
  return checksum === null ? null : hex8(checksum);
}

/** Where a segment or a snapshot stands. */
export function pointOf(header: SegmentHeader | SnapshotHeader): HistoryPoint {
  const sequence = header.ministate === "journal" ? header.first - 1 : header.sequence;
  const { after = null } = header;
  return { sequence, checksum: after === null ? null : parseInt(after, 16) };
}

/** What a batch says of the point right after `sequence`, one of its own: its checksum, or that no batch ends there. */
function checksumIn({ sequenceLast, checksum }: Batch, sequence: number): number {
  return sequence === sequenceLast ? checksum : NO_BATCH_ENDS;
}

/** Whether two checksums for the same sequence show two histories. One that is not known shows nothing. */
export function isOther(one: number | null, other: number | null): boolean {
  return one !== null && other !== null && one !== other;
}

/** Notes the checksums at some sequences of a segment while it is read. */
export class PointNotes {
  /** The checksums by sequence; `null` when it is not known. */
  readonly noted: Map<number, number | null> = new Map();
  readonly #wanted: readonly number[];
  #next = 0;

  /** @param wanted the sequences, in ascending order */
  constructor(header: SegmentHeader, wanted: readonly number[]) {
    this.#wanted = wanted;
    const { sequence, checksum } = pointOf(header);
    while (wanted[this.#next]! <= sequence) {
      if (wanted[this.#next++] === sequence) this.noted.set(sequence, checksum);
    }
  }

  /** Notes what the next batch has. */
  pass(batch: Batch): void {
    for (let at; (at = this.#wanted[this.#next]!) <= batch.sequenceLast; this.#next++) {
      this.noted.set(at, checksumIn(batch, at));
    }
  }
}

/** Follows a history from batch to batch, across segments. */
export class HistoryChain {
  #sequence: number;
  #checksum: number | null;

  /** @param point where it begins */
  constructor({ sequence, checksum }: HistoryPoint) {
    this.#sequence = sequence;
    this.#checksum = checksum;
  }

  /** Whether a segment is of the same history, as far as its header shows. */
  continuesIn(header: SegmentHeader): boolean {
    return header.first - 1 !== this.#sequence ||
      !isOther(pointOf(header).checksum, this.#checksum);
  }

  /**
   * Whether a batch that was read is of the same history. If so, the chain continues after it.
   *
   * @param header that of the batch's segment
   */
  passes(batch: Batch, header: SegmentHeader): boolean {
    if (!this.continuesIn(header)) return false;
    if (batch.sequenceLast < this.#sequence) return true;
    const isAtPoint = batch.sequenceFirst <= this.#sequence;
    if (isAtPoint && isOther(checksumIn(batch, this.#sequence), this.#checksum)) return false;
    this.#sequence = batch.sequenceLast;
    this.#checksum = batch.checksum;
    return true;
  }
}
