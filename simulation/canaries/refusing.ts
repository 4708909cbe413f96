/**
 * Mistakes with refusals: those before the write that are not, and those that leave a trace.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const STATE_MACHINE = "src/state/state_machine.ts";
const FIRST = "histories: changing programs";

const EARLY = "What can be refused before the write costs no write and no sequence";
const TRACE = "A refusal leaves no trace, in memory as on the disk; a group is all or nothing";

/** Each of them breaks one promise about refusals. */
export const REFUSING: readonly Canary[] = [
  {
    name: "check is not asked before the write",
    rule: EARLY,
    first: FIRST,
    patches: [{
      file: "src/state/call_in_turn.ts",
      find: "if (isHead) this.#runner.judge(",
      replace: "if (isHead && sequenceFirst < 0) this.#runner.judge(",
    }],
  },
  {
    name: "check is asked on a state that the call will not meet",
    rule: EARLY,
    first: FIRST,
    patches: [{
      file: "src/state/call_in_turn.ts",
      find: "if (isHead) this.#runner.judge(",
      replace: "if (isHead || sequenceFirst > 0) this.#runner.judge(",
    }],
  },
  {
    name: "what is refused before the write uses a sequence up",
    rule: EARLY,
    first: FIRST,
    patches: [{
      file: "src/journal/group_commit.ts",
      find: "        reject(refusal.error);\n        continue;",
      replace:
        "        reject(refusal.error);\n        sequence += call.texts.length;\n        continue;",
    }],
  },
  {
    name: "a reducer's state is shown before the sync",
    rule: EARLY,
    first: FIRST,
    patches: [{
      file: STATE_MACHINE,
      find: "        this.#ahead = state;\n",
      replace: "        this.state = this.#ahead = state;\n",
    }],
  },
  {
    name: "a reducer continues from a state whose batch failed",
    rule: EARLY,
    first: "promises: outcomes: a reducer",
    patches: [
      {
        file: STATE_MACHINE,
        find: "let state = isHead ? freezeDeeply(this.state) : this.#ahead;",
        replace: "let state = (this as { kept?: S }).kept ?? (isHead ? this.state : this.#ahead);",
      },
      {
        file: STATE_MACHINE,
        find: "        this.#ahead = state;\n",
        replace: "        this.#ahead = (this as { kept?: S }).kept = state;\n",
      },
    ],
  },
  {
    name: "what a mutator changed before it threw stays",
    rule: TRACE,
    first: FIRST,
    patches: [{
      file: STATE_MACHINE,
      find: "throw refused(draft.undo(cause), sequence, mutations.length);",
      replace: "throw refused((draft.commit([]), cause), sequence, mutations.length);",
    }],
  },
  {
    name: "check changes the state of a call that it refuses",
    rule: TRACE,
    first: FIRST,
    patches: [{
      file: STATE_MACHINE,
      find: "const cause = draft.undo(refusal?.cause);",
      replace: "const cause = (draft.commit([]), refusal?.cause);",
    }],
  },
];
