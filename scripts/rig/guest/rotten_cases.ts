// Which files of a state are damaged on a real file system, and what must be kept.

/** One of them. */
export interface Case {
  name: string;
  /** The ends of their names. */
  rotten: string[];
  withoutSnapshots: boolean;
  /** How many mutations are before the damage. */
  kept: number;
  /** Whether the journal is opened without its state, which could make no snapshot. */
  journalAlone: boolean;
}

const wal = (sequence: number) => `-${`${sequence}`.padStart(16, "0")}.wal.jsonl`;
const withState = { withoutSnapshots: false, journalAlone: false };

/** All of them. */
export const CASES: readonly Case[] = [
  { ...withState, name: "newest", rotten: [wal(5)], kept: 4 },
  { ...withState, name: "first", rotten: [wal(1)], kept: 0, withoutSnapshots: true },
  { ...withState, name: "several", rotten: [wal(3), wal(5)], kept: 2, withoutSnapshots: true },
  {
    name: "several-journal-alone",
    rotten: [wal(3), wal(5)],
    kept: 2,
    withoutSnapshots: true,
    journalAlone: true,
  },
];
