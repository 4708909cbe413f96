/**
 * Summarizes an inspection: the verdict on all findings, and what the next `open` will do.
 *
 * @module
 */

import type { Finding, Inspection, NextOpen, SnapshotInspection } from "./inspection.ts";
import type { JournalScan } from "./journal_scan.ts";

/** The overall verdict on all findings. */
export function verdictOf(findings: Finding[]): Inspection["verdict"] {
  for (const severity of ["corrupt", "torn"] as const) {
    if (findings.some((finding) => finding.severity === severity)) return severity;
  }
  return "sound";
}

/** What the next `open` with the default settings will do. */
export function nextOpenOf(
  scan: JournalScan,
  base: SnapshotInspection | null,
  contested: boolean,
): NextOpen {
  const { corruption, torn, end, unbegun, sequence } = scan;
  const cut = corruption === null && torn !== null && end !== null;
  const tornOf = (path: string, offset: number, size: number) => ({
    path,
    offset,
    size,
    sequence: sequence + 1,
  });
  return {
    outcome: corruption !== null || contested ? "refuse" : cut || unbegun !== null ? "cut" : "open",
    snapshot: base === null ? null : { name: base.name, sequence: base.sequence },
    replays: sequence - (base?.sequence ?? 0),
    sequence,
    torn: cut
      ? tornOf(end.named.path, end.soundEnd, end.writtenEnd - end.soundEnd)
      : unbegun !== null
      ? tornOf(unbegun.path, 0, 0)
      : null,
    lost: corruption?.lost ?? null,
  };
}
