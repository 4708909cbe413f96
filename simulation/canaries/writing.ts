/**
 * Mistakes on the way of a mutation to the disk: durability, atomicity, order, failed syncs, full disks.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const SEGMENT_WRITER = "src/journal/segment_writer.ts";
const JOURNAL_WRITER = "src/journal/journal_writer.ts";
const WRITE_BYTES = "src/disk/file_io.ts";
const REPAIR = "src/recovery/repair.ts";
const DIRECTORY = "src/journal/state_directory.ts";
const MANAGER = "src/state_manager.ts";

const DURABILITY = "Durability: what was acknowledged survives a power cut";
const ATOMICITY =
  "Atomicity: memory changes after the sync; a group is there completely or not at all";
const ORDERING = "Ordering: replay order is call order is sequence order, no gap, nothing twice";
const POISONED = "After a failed sync nothing more is trusted, and nothing is tried again";
const SHORT = "Every write and read loops over short counts";
const FULL =
  "On a full disk the journal is rolled back, and the manager continues once there is space";

/** Each of them breaks one promise about writing. */
export const WRITING: readonly Canary[] = [
  {
    name: "a batch is acknowledged without a sync",
    rule: DURABILITY,
    first: "power cuts: sequential mutations",
    patches: [{
      file: SEGMENT_WRITER,
      find: "      syncing = grows ? this.#handle.syncAll() : this.#handle.syncData();\n",
      replace: "      syncing = grows ? Promise.resolve() : undefined;\n",
    }],
  },
  {
    name: "a batch is synced while it is still being written",
    rule: DURABILITY,
    first: "power cuts: sequential mutations",
    patches: [{
      file: SEGMENT_WRITER,
      find: "    return writing.then(() => this.#syncBatch(bytes.length, grows));\n",
      replace: "    writing.catch(() => {});\n    return this.#syncBatch(bytes.length, grows);\n",
    }],
  },
  {
    name: "a batch is acknowledged when its sync begins",
    rule: DURABILITY,
    first: "power cuts: a slow disk",
    patches: [{
      file: SEGMENT_WRITER,
      find:
        "    if (syncing !== undefined) return syncing.then(() => this.#appended(size), failed);\n",
      replace: "    Promise.resolve(syncing).catch(() => {});\n",
    }],
  },
  {
    name: "a segment gets its name before its header is synced",
    rule: DURABILITY,
    first: "power cuts: the first mutation ever",
    patches: [
      {
        file: SEGMENT_WRITER,
        find: "      await handle.syncAll();\n      try {",
        replace: "      try {",
      },
    ],
  },
  {
    name: "the name of a new segment is not synced",
    rule: DURABILITY,
    first: "power cuts: rotation and growth",
    patches: [{
      file: SEGMENT_WRITER,
      find: "      await fs.syncDirectory(directory);\n",
      replace: "",
    }],
  },
  {
    name: "the name of a new state directory is not synced",
    rule: DURABILITY,
    first: "power cuts: the first mutation ever",
    patches: [{
      file: REPAIR,
      find: "  await directory.syncAncestors();\n",
      replace: "",
    }],
  },
  {
    name: "only one of several new directories has its name synced",
    rule: DURABILITY,
    first: "power cuts: the first mutation ever",
    patches: [{
      file: DIRECTORY,
      find: '      if (path === "/" || path === ".") return;\n',
      replace: "      return;\n",
    }],
  },
  {
    name: "names that a killed process made are not synced by the next open",
    rule: DURABILITY,
    first: "fails with EIO once",
    patches: [{
      file: REPAIR,
      find: "  await directory.syncNames();\n  const segment = aside",
      replace: "  const segment = aside",
    }],
  },
  {
    name: "what open has read and mended is not synced",
    rule: DURABILITY,
    first: "power cuts: rotation and growth",
    patches: [{
      file: SEGMENT_WRITER,
      find: "      await handle.syncAll();\n      const fill",
      replace: "      const fill",
    }],
  },
  {
    name: "a batch that is only in memory after a failed sync is not written again by open",
    rule: DURABILITY,
    first: "faults: closing and opening again, fails with EIO once",
    patches: [{
      file: "src/journal/tail_repair.ts",
      find: "  await writeAgain(file, lastStart, soundEnd);\n",
      replace: "",
    }],
  },
  {
    name: "memory changes before the sync",
    rule: ATOMICITY,
    first: "faults: sequential mutations",
    patches: [{
      file: MANAGER,
      find:
        `    return this.#submit(() => [this.#encode(mutation)], (sequence, timestamp, [text]) => ({
      sequence,
      result: this.#machine.run(sequence, timestamp, parseExactly(text!)),
    }));`,
      replace: `    const text = this.#encode(mutation);
    const result = this.#machine.run(this.#machine.sequence + 1, 0, parseExactly(text));
    return this.#submit(() => [text], (sequence) => ({ sequence, result }));`,
    }],
  },
  {
    name: "a group goes into several batches",
    rule: ATOMICITY,
    first: "power cuts: atomic groups",
    patches: [{
      file: MANAGER,
      find: `    return this.#submit(
      () => eachMutation(mutations, (mutation) => this.#encode(mutation)),
      (first, timestamp, texts) => this.#machine.runAll(first, timestamp, texts),
    );`,
      replace: `    const texts = mutations.map((mutation) => this.#encode(mutation));
    const one = (first, timestamp, texts) => this.#machine.runAll(first, timestamp, texts);
    return texts.reduce(async (before, text) => {
      return [...await before, ...await this.#submit(() => [text], one)];
    }, Promise.resolve([]));`,
    }],
  },
  {
    name: "a refused batch uses its sequences up",
    rule: ORDERING,
    first: "faults: sequential mutations, fails with ENOSPC once",
    patches: [{
      file: JOURNAL_WRITER,
      find: "    return appending.then(() => this.#committed(texts, batch));\n",
      replace: `    return appending.then(() => this.#committed(texts, batch), (error) => {
      this.#sequence += texts.length;
      throw error;
    });
`,
    }],
  },
  {
    name: "calls that waited together are answered in reverse",
    rule: ORDERING,
    first: "power cuts: concurrent mutations",
    patches: [{
      file: "src/journal/group_commit.ts",
      find: "    for (const waiting of batch) {\n",
      replace: "    for (const waiting of [...batch].reverse()) {\n",
    }],
  },
  {
    name: "mutations that a snapshot holds are applied again on replay",
    rule: ORDERING,
    first: "faults: snapshots, fails with ENOSPC",
    patches: [{
      file: "src/state/state_open.ts",
      find: "let i = Math.max(0, this.#start + 1 - sequenceFirst);",
      replace: "let i = 0;",
    }],
  },
  {
    name: "a failed sync is tried again",
    rule: POISONED,
    first: "faults: sequential mutations, fails with EIO once",
    patches: [{
      file: SEGMENT_WRITER,
      find: '      throw this.#poisonWith("sync", error);\n    };\n',
      replace:
        "      return Promise.resolve(this.#handle.syncAll()).then(() => void (this.offset += size));\n    };\n",
    }],
  },
  {
    name: "mutations go on after a failed sync",
    rule: POISONED,
    first: "faults: sequential mutations, fails with EIO once",
    patches: [{
      file: SEGMENT_WRITER,
      find: `    this.#poison = poisoned(operation, this.file.path, this.offset, cause);
    return this.#poison;`,
      replace: "    return poisoned(operation, this.file.path, this.offset, cause);",
    }],
  },
  {
    name: "a new segment is begun after a failed sync, and mutations go on there",
    rule: POISONED,
    first: "faults: compaction, fails with EIO once",
    patches: [{
      file: JOURNAL_WRITER,
      find: "    if (this.poison !== null) throw this.poison;\n",
      replace: "",
    }],
  },
  {
    name: "a short write is taken for a whole one",
    rule: SHORT,
    first: "faults: sequential mutations, takes or gives too little",
    patches: [{
      file: WRITE_BYTES,
      find: "    done += count;\n",
      replace: "    done = bytes.length;\n",
    }],
  },
  {
    name: "a short read is taken for the end of the file",
    rule: SHORT,
    first: "faults: snapshots, takes or gives too little",
    patches: [{
      file: "src/disk/file_io.ts",
      find: "    total += count;\n",
      replace: "    total += count;\n    break;\n",
    }],
  },
  {
    name: "a batch that found no space is acknowledged",
    rule: FULL,
    first: "faults: sequential mutations, fails with ENOSPC",
    patches: [
      {
        file: SEGMENT_WRITER,
        find: "writing.catch((error) => this.#rollBack(bytes, error));",
        replace: "writing.catch(() => {});",
      },
      {
        file: SEGMENT_WRITER,
        find: "      return this.#rollBack(bytes, error);\n",
        replace: "",
      },
    ],
  },
  {
    name: "a refused batch is not rolled back",
    rule: FULL,
    first: "promises: a refused write",
    patches: [
      {
        file: SEGMENT_WRITER,
        find: "writing.catch((error) => this.#rollBack(bytes, error));",
        replace:
          'writing.catch((error) => {\n          throw ioError("write", this.file.path, error);\n        });',
      },
      {
        file: SEGMENT_WRITER,
        find: "      return this.#rollBack(bytes, error);\n",
        replace: '      throw ioError("write", this.file.path, error);\n',
      },
    ],
  },
  {
    name: "a refused batch is rolled back, and that is not synced",
    rule: FULL,
    first: "promises: a refused write",
    patches: [{
      file: SEGMENT_WRITER,
      find: "    await this.sync();\n    this.#fill.end = Math.min",
      replace: "    this.#fill.end = Math.min",
    }],
  },
  {
    name: "a full disk stops mutations for good",
    rule: FULL,
    first: "promises: a refused write",
    patches: [{
      file: SEGMENT_WRITER,
      find: "    if (!isFull) throw",
      replace: "    throw",
    }],
  },
  {
    name: "a repair that found no space is never made up for",
    rule: FULL,
    first: "promises: a disk is full where",
    patches: [{
      file: SEGMENT_WRITER,
      find: "      if (isFull) writer.#repair = repair;\n",
      replace: "",
    }],
  },
  {
    name: "a repair made once there is space leaves the last batch in memory alone",
    rule: FULL,
    first: "promises: a failed sync is repaired",
    patches: [{
      file: SEGMENT_WRITER,
      find: "      await repairTail(this.#handle, repair);\n",
      replace: "      await repairTail(this.#handle, { ...repair, lastStart: repair.soundEnd });\n",
    }],
  },
  {
    name: "overwriting that finds no space ends all mutations",
    rule: FULL,
    first: "promises: a disk is full where",
    patches: [{
      file: "src/journal/segment_writer.ts",
      find: "        if (!isDiskFull(error) || isComplete) throw",
      replace: "        throw",
    }],
  },
];
