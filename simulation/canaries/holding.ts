/**
 * Mistakes about the state itself: what a snapshot must hold, how deep it may nest, how much of a file is read.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const ENCODE = "src/format/snapshot_encode.ts";
const NOTHING_DROPPED =
  "A state that stops being JSON is reported at the next snapshot at the latest";
const HOSTILE = "A hostile directory can't exhaust memory or hang";

/** Each of them breaks one promise about what a state is. */
export const HOLDING: readonly Canary[] = [
  {
    name: "items of large arrays are not checked",
    rule: NOTHING_DROPPED,
    first: "promises: a snapshot drops nothing",
    patches: [{
      file: ENCODE,
      find: "part.push(this.#checked(value));",
      replace: "part.push(value);",
    }],
  },
  {
    name: "large arrays and objects are not checked themselves",
    rule: NOTHING_DROPPED,
    first: "promises: a snapshot drops nothing",
    patches: [{
      file: ENCODE,
      find: "if (depth >= STATE_DEPTH_MAX || findContainerFlaw(value) !== null) {",
      replace: "if (depth >= STATE_DEPTH_MAX) {",
    }],
  },
  {
    name: "a state may nest no deeper than a mutation",
    rule: "What is acknowledged can be written to a snapshot",
    first: "promises: a state holds",
    patches: [{
      file: "src/format/format.ts",
      find: "export const STATE_DEPTH_MAX = 1000;",
      replace: "export const STATE_DEPTH_MAX = 500;",
    }],
  },
  {
    name: "a snapshot of holes is read to its end",
    rule: HOSTILE,
    first: "promises: a file of holes",
    patches: [{
      file: "src/snapshot/snapshot_body.ts",
      find: "if (isOurs && !this.#buffer.subarray(from, to).includes(0)) return;",
      replace: "if (from <= to) return;",
    }],
  },
  {
    name: "a segment of holes is read to its end",
    rule: HOSTILE,
    first: "promises: a file of holes",
    patches: [{
      file: "src/recovery/tail_evidence.ts",
      find: "let zerosLeft = TORN_SIZE_MAX;",
      replace: "let zerosLeft = Infinity;",
    }],
  },
];
