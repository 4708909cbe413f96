/**
 * The least that a store with callers can do: make JSON of what each caller commits, write the lines of all that wait,
 * sync, and answer each of them with a promise of its own. It checks nothing and keeps no state.
 *
 * @module
 */

import { makeBareFile } from "./bare_file.ts";
import { type Contender, RUNTIMES } from "./contender.ts";
import type { Reading } from "../support/workload.ts";

/** The floor of many callers: unlike the bare loop, it does what every store must do for each of them. */
export const contender: Contender = {
  name: "floor that answers each caller",
  runtimes: RUNTIMES,
  durable: true,
  durability: "like the floor, but each batch is made into JSON, and each caller gets a promise",
  sharesSyncs: true,
  batchesByHand: false,
  open(directory) {
    const file = makeBareFile(`${directory}/floor`);
    const encoder = new TextEncoder();
    let readings: Reading[] = [];
    let answers: (() => void)[] = [];
    const commitAll = () => {
      const [some, answered] = [readings, answers];
      readings = [];
      answers = [];
      let text = "";
      for (const reading of some) text += JSON.stringify(reading) + "\n";
      file.append(encoder.encode(text));
      for (const answer of answered) answer();
    };
    return {
      commit: (reading) =>
        new Promise<void>((resolve) => {
          // By the time it runs, all callers that were answered together have called again.
          if (readings.length === 0) queueMicrotask(commitAll);
          readings.push(reading);
          answers.push(resolve);
        }),
      close: file.close,
    };
  },
};
