/**
 * ministate as it is installed: the package that `npm run build` makes, a few files instead of all sources.
 *
 * @module
 */

import { type Contender, RUNTIMES } from "./contender.ts";
import { JOURNAL, readings } from "../support/workload.ts";

/** Not written into the `import`, because nothing is there where the project is checked. */
const MODULE: string = new URL("../../dist/npm/mod.js", import.meta.url).href;

/** What W6 starts, and nothing else: elsewhere the same code runs for so long that it doesn't matter how it was loaded. */
export const contender: Contender = {
  name: "ministate",
  runtimes: RUNTIMES,
  durable: true,
  durability: "as always",
  sharesSyncs: true,
  batchesByHand: false,
  async open(directory) {
    const { StateManager }: typeof import("../../mod.ts") = await import(MODULE);
    const manager = await StateManager.open(directory, JOURNAL, readings);
    return {
      commit: (reading) => manager.apply(reading),
      close: () => manager.close(),
    };
  },
};
