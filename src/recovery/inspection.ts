/**
 * The result of inspecting a state directory.
 *
 * @module
 */

import type { CompactionFailure } from "../format/compaction_failure.ts";
import type { SequenceRange } from "./corruption.ts";
import type { WearInspection } from "../wear/inspection.ts";

/** One segment. */
export interface SegmentInspection {
  /** The file's name in the state directory. */
  name: string;
  /** The file's size in bytes, including the empty space at its end. */
  size: number;
  /** The size of its sound part, in bytes. */
  soundSize: number;
  /** The first sequence it may hold. */
  sequenceFirst: number;
  /** The last sequence that is sound; `sequenceFirst - 1` when it holds none. */
  sequenceLast: number;
  /** Whether its last sound line is a seal. */
  sealed: boolean;
  /** The mutator that wrote it; `null` when it had no name, or when the header can't be read. */
  mutator: string | null;
  /** The mutator's version; `null` when the header can't be read. */
  version: number | null;
  /** The first unsound place, in bytes; `null` when there is none. */
  damagedAt: number | null;
  /** How many of its mutations were refused, as far as a line in it or in the segment after it says so. */
  refused: number;
}

/** One snapshot. */
export interface SnapshotInspection {
  /** The file's name in the state directory. */
  name: string;
  /** The file's size in bytes. */
  size: number;
  /** It holds the state after this sequence. */
  sequence: number;
  /** The version of the mutator that wrote it; `null` when it can't be read. */
  version: number | null;
  /** What is wrong with it; `null` when nothing is. */
  flaw: string | null;
}

/** A file that was set aside earlier, or one that was never finished. */
export interface SpareFile {
  /** The file's name. */
  name: string;
  /** The file's size in bytes. */
  size: number;
}

/**
 * Something that differs from what was written. `torn`: unacknowledged bytes at the end, which the next open cuts.
 * `corrupt`: anything else that is damaged or missing. `notice`: harmless, but worth knowing.
 */
export interface Finding {
  /** How bad it is. */
  severity: "torn" | "corrupt" | "notice";
  /** The file, or the directory when a file is missing. */
  path: string;
  /** Where in the file it begins, in bytes; `null` when it concerns the whole file. */
  offset: number | null;
  /** The first sequence concerned; `null` when there is none. */
  sequence: number | null;
  /** The last sequence concerned; `null` when it is unknown. */
  sequenceLast: number | null;
  /** What is wrong. */
  reason: string;
  /** Whether the next open depends on those bytes. */
  needed: boolean;
}

/** What the next open for writing will do. */
export interface NextOpen {
  /** `cut` opens as well. `refuse` needs a repair, or `onCorruption: "quarantine"`. */
  outcome: "open" | "cut" | "refuse";
  /** The snapshot it starts from; `null` for the initial state. */
  snapshot: { name: string; sequence: number } | null;
  /** How many mutations it replays, up to the damage if there is any. */
  replays: number;
  /** The last sequence it reaches; with `refuse`, what a repair would keep. */
  sequence: number;
  /** The tail it cuts; sizes in bytes. */
  torn: { path: string; offset: number; size: number; sequence: number } | null;
  /** What a repair would lose. */
  lost: SequenceRange | null;
}

/** Everything that can be learned about a state directory without its mutator. */
export interface Inspection {
  /** The state directory. */
  directory: string;
  /** The journal's name, to open it with. */
  journal: string;
  /** The journal's identity; `null` when no header can be read. */
  id: string | null;
  /** The mutator's name; `null` when it has none. */
  mutator: string | null;
  /** The mutator's version; `null` when no header can be read. */
  version: number | null;
  /** The segments, oldest first. */
  segments: SegmentInspection[];
  /** The snapshots, oldest first. */
  snapshots: SnapshotInspection[];
  /** What was written over the lifetime of the directory. */
  written: WearInspection;
  /**
   * When the last snapshot or compaction failed, and why, by the newest header or seal. `null` when it did not fail, when
   * there is a later snapshot, or when nothing was recorded since the failure: it waits for the next segment or a clean
   * close.
   */
  compactionFailure: CompactionFailure | null;
  /** What recovery has set aside. The names of those in `quarantine-2` and so on begin with that folder's. */
  quarantine: SpareFile[];
  /** Unfinished files; the next open deletes them. */
  temporary: SpareFile[];
  /** Everything that differs from what was written. */
  findings: Finding[];
  /** The worst of the findings. */
  verdict: "sound" | "torn" | "corrupt";
  /** What the next open will do. */
  nextOpen: NextOpen;
}
