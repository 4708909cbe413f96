/**
 * Decides from the evidence about one segment whether it is sound, ends in a torn tail, or is corrupt. Pure.
 *
 * @module
 */

/** Whether the segment is the newest one, in which a power cut can have left a torn tail. */
export type SegmentPosition = "last" | "inner";

/**
 * How the segment ends. `sound`: nothing but empty space after the last sound line. `unproven`: damage, and no sign
 * that the damaged bytes had been acknowledged. `proven`: damage, and proof that they had been. `unreadable`: no proof,
 * and some of the bytes can't be read.
 */
export type Tail = "sound" | "unproven" | "unreadable" | "proven";

/**
 * How far its records reach. Inner: compared with the first sequence of the next segment. Last: compared with the
 * snapshot that recovery starts from.
 */
export type Reach = "short" | "meets" | "beyond";

/** The label of the row for a gap between two sound segments. */
export const RECORDS_MISSING = "records missing before the next segment";

/** What to do. `cut`: the tail is set aside and overwritten. */
export type Verdict = "open" | "cut" | "corrupt";

/** One row. It applies when each of the three facts is among those it lists. */
export interface Row {
  label: string;
  place: readonly SegmentPosition[];
  tail: readonly Tail[];
  reach: readonly Reach[];
  verdict: Verdict;
  /** What happened, as part of a message. */
  says: string;
}

const ANY_REACH: readonly Reach[] = ["short", "meets", "beyond"];

/** The whole decision. Every combination of the three facts matches exactly one row (test/recovery/recovery_table.test.ts). */
export const RECOVERY_TABLE: readonly Row[] = [
  {
    label: "sound",
    place: ["last"],
    tail: ["sound"],
    reach: ["meets", "beyond"],
    verdict: "open",
    says: "everything is sound",
  },
  {
    label: "torn tail",
    place: ["last"],
    tail: ["unproven"],
    reach: ["meets", "beyond"],
    verdict: "cut",
    says: "the last batch was being written when the power went; it was never acknowledged",
  },
  {
    label: "damage before sound lines",
    place: ["last"],
    tail: ["proven"],
    reach: ANY_REACH,
    verdict: "corrupt",
    says:
      "acknowledged bytes are damaged: sound records follow, or other bytes that no power cut can leave",
  },
  {
    label: "unreadable tail",
    place: ["last"],
    tail: ["unreadable"],
    reach: ["meets", "beyond"],
    verdict: "corrupt",
    says:
      "the disk refuses to give a part of it, so that nothing tells whether that had been acknowledged",
  },
  {
    label: "damage below the snapshot",
    place: ["last"],
    tail: ["unproven", "unreadable"],
    reach: ["short"],
    verdict: "corrupt",
    says: "acknowledged bytes are damaged: the snapshot proves that they were there",
  },
  {
    label: "ends below the snapshot",
    place: ["last"],
    tail: ["sound"],
    reach: ["short"],
    verdict: "corrupt",
    says: "its last records are missing, as the snapshot proves",
  },
  {
    label: "sound and continued",
    place: ["inner"],
    tail: ["sound"],
    reach: ["meets"],
    verdict: "open",
    says: "everything is sound",
  },
  {
    label: RECORDS_MISSING,
    place: ["inner"],
    tail: ["sound"],
    reach: ["short"],
    verdict: "corrupt",
    says: "records are missing between it and the next segment",
  },
  {
    label: "overlaps the next segment",
    place: ["inner"],
    tail: ["sound"],
    reach: ["beyond"],
    verdict: "corrupt",
    says: "it holds records that the next segment holds too",
  },
  {
    // A write undone on a full disk can leave such bytes; none of them was ever a record.
    label: "rubbish behind the last record",
    place: ["inner"],
    tail: ["unproven", "unreadable"],
    reach: ["meets"],
    verdict: "open",
    says: "every record up to the next segment is sound",
  },
  {
    label: "damage before a later segment",
    place: ["inner"],
    tail: ["unproven", "unreadable"],
    reach: ["short", "beyond"],
    verdict: "corrupt",
    says: "acknowledged bytes are damaged: the next segment proves that they were there",
  },
  {
    label: "damage between the segment's own lines",
    place: ["inner"],
    tail: ["proven"],
    reach: ANY_REACH,
    verdict: "corrupt",
    says: "acknowledged bytes are damaged: the next segment proves that they were there",
  },
];

/** Finds the row for three facts. */
export function decide(place: SegmentPosition, tail: Tail, reach: Reach): Row {
  const row = RECOVERY_TABLE.find((row) =>
    row.place.includes(place) && row.tail.includes(tail) && row.reach.includes(reach)
  );
  if (row === undefined) throw new RangeError(`No row for ${place}, ${tail}, ${reach}`);
  return row;
}
