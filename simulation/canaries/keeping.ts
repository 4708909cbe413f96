/**
 * Mistakes of snapshots and compactions: what replaces what, in which order, and what is kept.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const SNAPSHOT_FILE = "src/snapshot/snapshot_file.ts";
const COMPACTION = "src/state/compaction.ts";

const SNAPSHOTS =
  "A snapshot is synced, renamed and verified before anything it replaces is deleted";
const KEPT = "Two snapshots and the journal of the older one are kept: a rotten one costs nothing";

/** Each of them breaks one promise about snapshots and compactions. */
export const KEEPING: readonly Canary[] = [
  {
    name: "a snapshot gets its name before it is synced",
    rule: SNAPSHOTS,
    first: "power cuts: snapshots",
    patches: [
      {
        file: SNAPSHOT_FILE,
        find: "    await handle.syncAll();\n    // Read back",
        replace: "    // Read back",
      },
    ],
  },
  {
    name: "a snapshot is not synced again after its rename, as FAT needs it",
    rule: SNAPSHOTS,
    first: "power cuts: compaction",
    patches: [{
      file: SNAPSHOT_FILE,
      find: "    await handle.syncAll();\n    await handle.close();\n",
      replace: "    await handle.close();\n",
    }],
  },
  {
    name: "the journal is deleted before the snapshot's name is durable",
    rule: SNAPSHOTS,
    first: "power cuts: compaction",
    // The older snapshot would make up for it, and each of the two syncs for the other.
    patches: [
      {
        file: SNAPSHOT_FILE,
        find: "    await fs.syncDirectory(directory);\n",
        replace: "",
      },
      {
        file: COMPACTION,
        find: "    await this.#directory.syncNames();\n    for (",
        replace: "    for (",
      },
      {
        file: COMPACTION,
        find: "    this.#kept = settings.snapshotsKept;",
        replace: "    this.#kept = 1;",
      },
    ],
  },
  {
    name: "a snapshot is not read back when it is written",
    rule: SNAPSHOTS,
    first: "faults: snapshots, stores",
    patches: [{
      file: SNAPSHOT_FILE,
      find: "    await verifySnapshot(fs, { ...file, path: temporary }, content.verify);\n",
      replace: "",
    }],
  },
  {
    name: "only one snapshot is kept",
    rule: KEPT,
    first: "bit rot: unsealed compactions, any bit",
    patches: [{
      file: COMPACTION,
      find: "    this.#kept = settings.snapshotsKept;",
      replace: "    this.#kept = 1;",
    }],
  },
  {
    name: "the journal that the older snapshot needs is deleted",
    rule: KEPT,
    first: "bit rot: unsealed compactions, any bit",
    patches: [{
      file: COMPACTION,
      find: "firstNeeded(files.segments, oldest);",
      replace: "firstNeeded(files.segments, sound[0]!.sequence);",
    }],
  },
  {
    name: "the journal goes before the snapshots that need it",
    rule: KEPT,
    first: "power cuts: compaction",
    patches: [{
      file: COMPACTION,
      find:
        `      ...await this.#delete(files.snapshots.filter((snapshot) => snapshot.sequence < oldest)),
      ...await this.#delete(files.segments.filter((_, index) => index < first)),`,
      replace: `      ...await this.#delete(files.segments.filter((_, index) => index < first)),
      ...await this.#delete(files.snapshots.filter((snapshot) => snapshot.sequence < oldest)),`,
    }],
  },
  {
    name: "compaction gives up on a full disk",
    rule: "Compaction can still finish on a full disk",
    first: "promises: a full disk",
    patches: [{
      file: COMPACTION,
      find: "isDiskFull(error) ? makeRoom.shift() : undefined;",
      replace: "undefined;",
    }],
  },
  {
    name: "a large state of now is written under an older sequence",
    rule: SNAPSHOTS,
    first: "promises: a large state",
    patches: [
      {
        file: "src/state/capture.ts",
        find: "return Promise.resolve({ sequence, checksum, lines: () => lines, write });",
        replace: "return Promise.resolve({ ...point, lines: () => lines, write });",
      },
    ],
  },
  {
    name: "a part of a large state is written as all of it",
    rule: SNAPSHOTS,
    first: "power cuts: snapshots of a large state",
    patches: [
      {
        file: "src/state/live_encoding.ts",
        find: "        this.note(size, ms);\n        return null;",
        replace: "        this.note(size, ms);\n        return lines;",
      },
    ],
  },
  {
    name: "a compaction deletes while only one snapshot is sound",
    rule: SNAPSHOTS,
    first: "bit rot: sealed one compaction",
    patches: [
      {
        file: COMPACTION,
        find: "    if (sound.length < kept) return [];\n",
        replace: "    if (sound.length === 0) return [];\n",
      },
    ],
  },
];
