/**
 * ministate as a contender, with its default options.
 *
 * @module
 */

import { StateManager } from "../../mod.ts";
import { type Contender, RUNTIMES } from "./contender.ts";
import { JOURNAL, readings } from "../support/workload.ts";

/** The contender that all of this is about. */
export const contender: Contender = {
  name: "ministate",
  runtimes: RUNTIMES,
  durable: true,
  durability: "as it always is: `apply` resolves after `fdatasync`",
  sharesSyncs: true,
  batchesByHand: true,
  async open(directory) {
    const manager = await StateManager.open(directory, JOURNAL, readings);
    return {
      commit: (reading) => manager.apply(reading),
      commitMany: (readings) => manager.applyAll(readings),
      close: () => manager.close(),
    };
  },
};
