/**
 * Mistakes in what keeps a state in good order over the years: what replaces what, updates, backups, compactions
 * that start automatically.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const STAND = "Only a snapshot of ours that is sound now replaces anything";
const UPDATES =
  "An update is complete once it is open, and migrates the past for readers who ask for it";
const COPIES = "A backup is whole, or there is none";
const FORESEEN = "An inspection predicts the result of the next open";
const SHORT = "A journal is kept short automatically, also after a failure and on a full disk";

/** Each of them breaks one promise about upkeep. */
export const UPKEEP: readonly Canary[] = [
  {
    name: "another journal's snapshot stands in for one of ours",
    rule: STAND,
    first: "promises: rotten and foreign snapshots",
    patches: [{
      file: "src/state/compaction.ts",
      find: "return header.id === this.#writer.identity.id;",
      replace: "return header.sequence >= 0;",
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
    name: "the past is not carried over",
    rule: UPDATES,
    first: "promises: an update is complete",
    patches: [{
      file: "src/state/changes.ts",
      find: "mutation: this.#carryOver(mutation, version),",
      replace: "mutation: mutation as M,",
    }],
  },
  {
    name: "an update is not settled",
    rule: UPDATES,
    first: "promises: an update is complete",
    patches: [{
      file: "src/state/state_open.ts",
      find: "if (header.version === this.machine.version) this.snapshot",
      replace: "this.snapshot",
    }],
  },
  {
    name: "a journal opened alone goes on in version 1",
    rule: UPDATES,
    first: "promises: a journal opened alone",
    patches: [{
      file: "src/recovery/recovery.ts",
      find: "version: stored?.version ?? 1 };",
      replace: "version: 1 };",
    }],
  },
  {
    name: "a backup goes over another state",
    rule: COPIES,
    first: "promises: a backup is whole",
    patches: [{
      file: "src/state/backup.ts",
      find: `  await refuseOthers(destination, found);
`,
      replace: "",
    }],
  },
  {
    name: "a backup takes another journal's snapshots",
    rule: COPIES,
    first: "promises: a backup holds",
    patches: [{
      file: "src/state/backup_plan.ts",
      find: "isUsable(snapshot, id)",
      replace: "isUsable(snapshot, null)",
    }],
  },
  {
    name: "a backup copies what is not durable yet",
    rule: COPIES,
    first: "promises: a backup is whole",
    patches: [{
      file: "src/state/backup_plan.ts",
      find: "copies.unshift({ file: facts.file, size: facts.soundEnd });",
      replace: "copies.unshift({ file: facts.file, size: Infinity });",
    }],
  },
  {
    name: "a backup of what rotted is taken for whole",
    rule: COPIES,
    first: "promises: a backup is whole",
    patches: [{
      file: "src/state/backup_plan.ts",
      find: "      if (index >= first) throw whyNot(facts);",
      replace: `      if (index >= first) {
        copies.unshift({ file: facts.file, size: "soundEnd" in facts ? facts.soundEnd : 0 });
        continue;
      }`,
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
      find: "size > this.#limit * this.#retryShare;",
      replace: "size > this.#limit;",
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
