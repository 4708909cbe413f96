/**
 * ministate without automatic compaction: what its journal alone costs the device.
 *
 * @module
 */

import { StateManager } from "../../mod.ts";
import { type Contender, RUNTIMES } from "./contender.ts";
import { JOURNAL, readings } from "../support/workload.ts";

/** Beside the default in W5, and nowhere else. */
export const contender: Contender = {
  name: "ministate, journal alone",
  runtimes: RUNTIMES,
  durable: true,
  durability: 'as always, with `compaction: "manual"`',
  sharesSyncs: true,
  batchesByHand: false,
  async open(directory) {
    const manager = await StateManager.open(directory, JOURNAL, readings, { compaction: "manual" });
    return {
      commit: (reading) => manager.apply(reading),
      commitMany: (readings) => manager.applyAll(readings),
      close: () => manager.close(),
    };
  },
};
