/**
 * Mistakes in what keeps a state in good order over the years: what replaces what, what is foreseen, and compactions
 * that start automatically.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const STAND = "Only a snapshot of ours that is sound now replaces anything";
const STANDING = "src/recovery/standing_snapshot.ts";
const SHORT = "A journal is kept short automatically, also after a failure and on a full disk";
const BOUNDED = "A compaction keeps up with its callers, who hardly wait for it";
const FORESEEN = "An inspection predicts the result of the next open";

/** Each of them breaks one promise about upkeep. */
export const UPKEEP: readonly Canary[] = [
  {
    name: "another journal's snapshot stands in for one of ours",
    rule: STAND,
    first: "promises: rotten and foreign snapshots",
    patches: [{
      file: STANDING,
      find: "    if (header.id !== id) return false;\n",
      replace: "",
    }],
  },
  {
    name: "a snapshot of a copy of the directory stands in for one of ours",
    rule: STAND,
    first: "promises: a snapshot of a copy, while open",
    patches: [{
      file: STANDING,
      find: "!isOther(pointOf(reading.header).checksum, pointOf(header).checksum)",
      replace: "pointOf(reading.header).sequence >= 0",
    }],
  },
  {
    name: "a snapshot that rotted meanwhile is given back as new",
    rule: STAND,
    first: "promises: rotten and foreign snapshots",
    patches: [{
      file: "src/state/compaction.ts",
      find: "=== this.#writer.sequence && await this.#isSound(this.#newest)) {",
      replace: "=== this.#writer.sequence) {",
    }],
  },
  {
    name: "a compaction that failed is the last",
    rule: SHORT,
    first: "promises: a journal is kept short",
    patches: [{
      file: "src/state/automatic_compaction.ts",
      find: `        this.#running = false;
        this.failure = error;`,
      replace: "        this.failure = error;",
    }],
  },
  {
    name: "a compaction that failed waits for a whole snapshot's size of journal",
    rule: SHORT,
    first: "promises: a growing state",
    patches: [{
      file: "src/state/automatic_compaction.ts",
      find: "size > this.#due() * this.#retryShare;",
      replace: "size > this.#due();",
    }],
  },
  {
    name: "a snapshot of the program's own deletes nothing",
    rule: SHORT,
    first: "promises: snapshots of the program's own",
    patches: [{
      file: "src/state_manager.ts",
      find: "    if (this.#automatic !== null) return (await compaction.compact()).snapshot;\n",
      replace: "",
    }],
  },
  {
    name: "a full disk starts no compaction",
    rule: SHORT,
    first: "promises: a journal is kept short",
    patches: [{
      file: "src/state/automatic_compaction.ts",
      find: "(error) => isDiskFull(error) ? this.#startIfDue() : this.#startIfLong()",
      replace: "() => this.#startIfLong()",
    }],
  },
  {
    name: "the journal before an open is not counted",
    rule: SHORT,
    first: "promises: a journal is kept short",
    patches: [{
      file: "src/state/upkeep.ts",
      find: "new JournalGrowth(writeCounter.sinceOpen, bytesRead);",
      replace: "new JournalGrowth(writeCounter.sinceOpen, 0);",
    }],
  },
  {
    name: "callers never wait for a compaction that is behind",
    rule: BOUNDED,
    first: "promises: the directory stays below twice",
    patches: [{
      file: "src/state/upkeep.ts",
      find: "  writer.queue.pauseFor((sizeNext) => pressure.pause(sizeNext));\n",
      replace: "",
    }],
  },
  {
    name: "an automatic compaction waits for all calls that wait",
    rule: BOUNDED,
    first: "promises: the directory stays below twice",
    patches: [{
      file: "src/state/automatic_compaction.ts",
      find: 'this.#compaction.compact("next").then(',
      replace: "this.#compaction.compact().then(",
    }],
  },
  {
    name: "a state is encoded while callers wait, however long that takes",
    rule: BOUNDED,
    first: "promises: no caller waits long",
    patches: [{
      file: "src/state/live_encoding.ts",
      find: "if (ms <= WAIT_MS * OVERRUN) continue;",
      replace: "if (ms >= 0) continue;",
    }],
  },
  {
    name: "an inspection leaves out what a rotten snapshot proves",
    rule: FORESEEN,
    first: "promises: damage is set aside",
    patches: [{
      file: "src/recovery/inspect.ts",
      find: "  const plan = planOf(survey);",
      replace: "  const plan = planOf({ ...survey, proven: 0 });",
    }],
  },
];
