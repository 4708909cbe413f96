/**
 * Mistakes on a disk that fails: syncs that fail, short writes and reads, and no space.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const SEGMENT_WRITER = "src/journal/segment_writer.ts";
const JOURNAL_WRITER = "src/journal/journal_writer.ts";
const WRITE_BYTES = "src/disk/file_io.ts";

const POISONED = "After a failed sync nothing more is trusted, and nothing is tried again";
const SHORT = "Every write and read loops over short counts";
const FULL =
  "On a full disk the journal is rolled back, and the manager continues once there is space";

/** Each of them breaks one promise about a disk that fails. */
export const FAILING_DISK: readonly Canary[] = [
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
      find: "    if (this.poison !== null) throw this.poison;\n    const { fs, clock",
      replace: "    const { fs, clock",
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
      file: WRITE_BYTES,
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
      file: SEGMENT_WRITER,
      find: "        if (!isDiskFull(error) || isComplete) throw",
      replace: "        throw",
    }],
  },
];
