/**
 * Creates the parts of a manager that write snapshots and compact its journal.
 *
 * @module
 */

import { AutomaticCompaction } from "./automatic_compaction.ts";
import { Backpressure } from "./backpressure.ts";
import type { StateSource } from "./capture.ts";
import { Compaction } from "./compaction.ts";
import { JournalGrowth } from "./journal_growth.ts";
import type { OpenedState } from "./state_open.ts";

/** Both are `null` for a read-only manager; `automatic` is also `null` when the caller compacts manually. */
export interface Upkeep {
  compaction: Compaction | null;
  automatic: AutomaticCompaction | null;
}

/**
 * Creates them.
 *
 * @param rebuild builds the state after a sequence from the disk
 */
export function upkeepOf<S, M, R>(
  { directory, settings, machine, recovered, snapshot }: OpenedState<S, M, R>,
  rebuild: StateSource["rebuild"],
): Upkeep {
  const { writer, writeCounter, bytesRead } = recovered;
  if (writer === null) return { compaction: null, automatic: null };
  const state = { live: () => machine.state, rebuild };
  const growth = new JournalGrowth(writeCounter.sinceOpen, bytesRead);
  const due = (): number => Math.max(settings.compactionSize, compaction.snapshotSize);
  const pressure = new Backpressure(growth, due);
  const compaction = new Compaction(
    directory,
    writer,
    { ...settings, growth, pressure, outcome: writeCounter },
    snapshot,
    state,
  );
  if (settings.compaction === "manual") return { compaction, automatic: null };
  writer.queue.pauseFor((sizeNext) => pressure.pause(sizeNext));
  const automatic = new AutomaticCompaction(compaction, writer, due, settings, directory.path);
  return { compaction, automatic };
}
