/**
 * Mistakes of backups: what they copy, in which order, and where to.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const PLAN = "src/state/backup_plan.ts";
const BACKUP = "src/state/backup.ts";

const COPIES = "backup() copies a live state consistently";
const WHOLE = "A backup is whole, or there is none";

/** Each of them breaks one promise about backups. */
export const BACKING_UP: readonly Canary[] = [
  {
    name: "a backup leaves out the segment that is being written",
    rule: COPIES,
    first: "power cuts: a backup",
    patches: [{
      file: PLAN,
      find: "file.sequence > limit.segmentFirst;",
      replace: "file.sequence >= limit.segmentFirst;",
    }],
  },
  {
    name: "the names of a backup are not synced",
    rule: COPIES,
    first: "power cuts: a backup",
    patches: [{
      file: BACKUP,
      find: "    await destination.syncNames();\n",
      replace: "",
    }],
  },
  {
    name: "a compaction deletes what a backup is copying",
    rule: COPIES,
    first: "power cuts: a backup",
    patches: [{
      file: "src/state_manager.ts",
      find: "    return await this.#turn.run(async () => {",
      replace: "    return await (async (job) => await job())(async () => {",
    }],
  },
  {
    name: "a backup copies the oldest segment first",
    rule: COPIES,
    first: "power cuts: a backup of several segments",
    patches: [
      {
        file: PLAN,
        find: "copies.unshift({ file: facts.file, size: facts.soundEnd });",
        replace: "copies.push({ file: facts.file, size: facts.soundEnd });",
      },
    ],
  },
  {
    name: "a backup goes over another state",
    rule: WHOLE,
    first: "promises: a backup is whole",
    patches: [{
      file: BACKUP,
      find: `      await refuseOthers(destination, found, operation);
`,
      replace: "",
    }],
  },
  {
    name: "a backup takes another journal's snapshots",
    rule: WHOLE,
    first: "promises: a backup holds",
    patches: [{
      file: PLAN,
      find: "isUsable(snapshot, id)",
      replace: "isUsable(snapshot, null)",
    }],
  },
  {
    name: "a backup copies what is not durable yet",
    rule: WHOLE,
    first: "promises: a backup is whole",
    patches: [{
      file: PLAN,
      find: "copies.unshift({ file: facts.file, size: facts.soundEnd });",
      replace: "copies.unshift({ file: facts.file, size: Infinity });",
    }, {
      // It would be written over what is not durable.
      file: "src/state/backup.ts",
      find: "const end = ending?.file === file ? ending.bytes : NO_BYTES;",
      replace: "const end = NO_BYTES;",
    }],
  },
  {
    name: "a backup of what rotted is taken for whole",
    rule: WHOLE,
    first: "promises: a backup is whole",
    patches: [{
      file: PLAN,
      find: "      if (index >= first) throw whyNot(facts);",
      replace: `      if (index >= first) {
        copies.unshift({ file: facts.file, size: "soundEnd" in facts ? facts.soundEnd : 0 });
        continue;
      }`,
    }],
  },
];
