/**
 * Mistakes on the way of a mutation to the disk: durability, atomicity, order.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const SEGMENT_WRITER = "src/journal/segment_writer.ts";
const REPAIR = "src/recovery/repair.ts";
const DIRECTORY = "src/journal/state_directory.ts";
const MANAGER = "src/state_manager.ts";
const JOURNAL_WRITER = "src/journal/journal_writer.ts";

const DURABILITY = "Durability: what was acknowledged survives a power cut";
const ATOMICITY =
  "Atomicity: memory changes after the sync; a group is there completely or not at all";
const ORDERING = "Ordering: replay order is call order is sequence order, no gap, nothing twice";

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
      find: "  await directory.syncNames();\n  const begun = aside",
      replace: "  const begun = aside",
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
      find: "    return writer.submit(this.#machine.call(texts, resultOf));",
      replace:
        "    const call = this.#machine.call(texts, resultOf);\n    let result, error;\n    try {\n      result = call.settle(this.#machine.sequence + 1, 0);\n    } catch (thrown) {\n      error = thrown;\n    }\n    return writer.submit({\n      texts,\n      settle: () => {\n        if (error !== undefined) throw error;\n        return result;\n      },\n    });",
    }],
  },
  {
    name: "a group goes into several batches",
    rule: ATOMICITY,
    first: "power cuts: atomic groups",
    patches: [{
      file: MANAGER,
      find: "      return texts.length === 0 ? Promise.resolve([]) : this.#submit(texts, allOf);",
      replace:
        "      return texts.reduce(async (before, text) => {\n        return [...await before, ...await this.#submit([text], allOf)];\n      }, Promise.resolve([]));",
    }],
  },
  {
    name: "a refused batch uses its sequences up",
    rule: ORDERING,
    first: "faults: sequential mutations, fails with ENOSPC once",
    patches: [{
      file: JOURNAL_WRITER,
      find: "    return appending.then(() => this.#committed(content));\n",
      replace:
        "    return appending.then(() => this.#committed(content), (error) => {\n      this.#sequence += content.texts.length;\n      throw error;\n    });\n",
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
];
