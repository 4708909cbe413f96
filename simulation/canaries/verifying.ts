/**
 * Mistakes of `verify`: what it compares, and what it says of a difference.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const VERIFY = "src/state/verify.ts";
const EFFECT = "another effect of the same mutations";
const HONEST = "a past that verifies";

const WHOLE = "verify() replays all that is kept, and compares it with every later snapshot";
const PLACE = "verify() names the first mutations that may be the ones, and the place in the state";

/** Each of them breaks one promise about verification. */
export const VERIFYING: readonly Canary[] = [
  {
    name: "verify() compares nothing",
    rule: WHOLE,
    first: EFFECT,
    patches: [{
      file: VERIFY,
      find: "const difference = findDifference(state, this.#machine.state);",
      replace: "const difference = null as Difference | null;",
    }],
  },
  {
    name: "verify() misses a snapshot of the end",
    rule: WHOLE,
    first: HONEST,
    patches: [{
      file: VERIFY,
      find: "if (file.sequence <= from || file.sequence > last) continue;",
      replace: "if (file.sequence <= from || file.sequence >= last) continue;",
    }],
  },
  {
    name: "verify() begins with the newest snapshot",
    rule: WHOLE,
    first: "a past without its beginning",
    patches: [{
      file: VERIFY,
      find: "    for (const file of snapshots) {",
      replace: "    for (const file of snapshots.toReversed()) {",
    }],
  },
  {
    name: "verify() replays no batch without a recorded outcome",
    rule: WHOLE,
    first: HONEST,
    patches: [{
      file: VERIFY,
      find: "if (undecided !== null && this.sequence < sequence) {",
      replace: "if (undecided !== null && this.sequence < 0) {",
    }],
  },
  {
    name: "verify() passes over what the program refuses now",
    rule: WHOLE,
    first: EFFECT,
    patches: [{
      file: VERIFY,
      find:
        `      return failureDifference("mutation", failure.sequence ?? this.sequence, failure);`,
      replace: "      return failure === null ? failure : null;",
    }],
  },
  {
    name: "verify() counts from the beginning when snapshots agreed later",
    rule: PLACE,
    first: EFFECT,
    patches: [{
      file: VERIFY,
      find: "    this.#agreed = this.sequence;\n",
      replace: "",
    }],
  },
  {
    name: "verify() takes what the program gives for what the past holds",
    rule: PLACE,
    first: EFFECT,
    patches: [{
      file: VERIFY,
      find: "const difference = findDifference(state, this.#machine.state);",
      replace: "const difference = findDifference(this.#machine.state, state);",
    }],
  },
];
