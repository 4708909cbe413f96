/**
 * Mistakes with updates of the program: old snapshots, old journals, and updates that fail.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const UPDATES = "An update of the program migrates old snapshots and old journals";
const COMPLETE =
  "An update is complete once it is open, and migrates the past for readers who ask for it";
const UPDATED =
  "A failed update leaves the directory unchanged, and a past update leaves the past unchanged";

/** Each of them breaks one promise about updates. */
export const UPDATING: readonly Canary[] = [
  {
    name: "mutations of an older version are taken as they are",
    rule: UPDATES,
    first: "promises: an update",
    patches: [{
      file: "src/state/state_open.ts",
      find: "mutations[i], version);",
      replace: "mutations[i], this.machine.version);",
    }],
  },
  {
    name: "the state of an older snapshot is taken as it is",
    rule: UPDATES,
    first: "promises: an update",
    patches: [{
      file: "src/state/state_open.ts",
      find: "machine.restore(state, header.version, sequence);",
      replace: "machine.restore(state, this.machine.version, sequence);",
    }],
  },
  {
    name: "records of the new version go into a segment of the old one",
    rule: UPDATES,
    first: "promises: an update",
    // open() begins a segment, the snapshot that settles an update begins one, and the first mutation begins one.
    patches: [
      {
        file: "src/state_manager.ts",
        find: "      if (manager.recovery.migratedFrom !== null) {",
        replace: "      if (manager === undefined) {",
      },
      {
        file: "src/recovery/repair.ts",
        find: "  if (segment.header.version !== own.version) await beginVersion(writer);\n",
        replace: "",
      },
      {
        file: "src/journal/journal_writer.ts",
        find: " ||\n      header.version !== this.identity.version;",
        replace: ";",
      },
    ],
  },
  {
    name: "the past is not carried over",
    rule: COMPLETE,
    first: "promises: an update is complete",
    patches: [{
      file: "src/state/changes.ts",
      find: ": this.#carryOver(mutation, version);",
      replace: ": mutation as M;",
    }],
  },
  {
    name: "an update is not settled",
    rule: COMPLETE,
    first: "promises: an update is complete",
    patches: [{
      file: "src/state/state_open.ts",
      find: "if (header.version === this.machine.version) this.snapshot",
      replace: "this.snapshot",
    }],
  },
  {
    name: "a journal opened alone goes on in version 1",
    rule: COMPLETE,
    first: "promises: a journal opened alone",
    patches: [{
      file: "src/recovery/recovery.ts",
      find: "version: stored?.version ?? 1 };",
      replace: "version: 1 };",
    }],
  },
  {
    name: "a state that is no state any more is found after an update has begun",
    rule: UPDATED,
    first: "promises: an update that fails",
    patches: [{
      file: "src/state/state_open.ts",
      find:
        "    if (version !== null && version !== machine.version) machine.checkCarriedOver(version);\n",
      replace: "",
    }],
  },
  {
    name: "an update whose mutator gives promises changes nothing with every record",
    rule: UPDATED,
    first: "promises: an update that fails",
    // In a replay, and in a last batch that is undecided.
    patches: [
      {
        file: "src/state/state_machine.ts",
        find: "else refusePromise(mutator.apply(this.state, current, context));",
        replace: "else mutator.apply(this.state, current, context);",
      },
      {
        file: "src/state/state_machine.ts",
        find: "results.push(refusePromise(mutator.apply(draft.root, mutation, context)));",
        replace: "results.push(mutator.apply(draft.root, mutation, context));",
      },
    ],
  },
  {
    name: "the past begins with an older version's state as it is",
    rule: UPDATED,
    first: "promises: the past before an update",
    patches: [{
      file: "src/state/history.ts",
      find: "machine.restore(snapshot.state, snapshot.header.version, snapshot.file.sequence);",
      replace: "machine.restore(snapshot.state, machine.version, snapshot.file.sequence);",
    }],
  },
];
