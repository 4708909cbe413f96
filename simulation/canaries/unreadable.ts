/**
 * Mistakes with a disk that refuses to read files or parts of them.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const SNAPSHOTS = "src/recovery/snapshot_facts.ts";
const QUARANTINE = "src/recovery/quarantine.ts";

const HONESTY = "Honesty: damage that a power cut can't explain is never dropped silently";
const TAKEN = "What can be read the next time is not given up, and means the same then";
const STANDS_IN = "A file that can't be read blocks nothing that another file can replace";

/** Each of them breaks one promise about what can't be read. */
export const UNREADABLE: readonly Canary[] = [
  {
    name: "an unreadable snapshot proves no sequence",
    rule: HONESTY,
    first: "promises: an unreadable snapshot",
    patches: [{
      file: SNAPSHOTS,
      find: "if (failure instanceof IoError) return isUnreadable(failure) ? file.sequence : 0;",
      replace: "if (failure instanceof IoError) return 0;",
    }],
  },
  {
    name: "a snapshot is asked for once",
    rule: TAKEN,
    first: "promises: a read that is refused",
    patches: [{
      file: SNAPSHOTS,
      find: "await readPatiently(readOnce)",
      replace: "await readOnce()",
    }],
  },
  {
    name: "a place in the journal is asked for once",
    rule: TAKEN,
    first: "promises: a read that is refused",
    patches: [{
      file: "src/disk/read_around.ts",
      find: "pageByPage ? await readPatiently(read, attempts) : await read()",
      replace: "await read()",
    }],
  },
  {
    name: "a file that may not be read counts as rotten",
    rule: TAKEN,
    first: "promises: a read that is refused",
    patches: [{ file: "src/disk/refusals.ts", find: '  "EACCES",\n', replace: "" }],
  },
  {
    name: "an unreadable file keeps the state down",
    rule: STANDS_IN,
    first: "promises: an unreadable file",
    patches: [{
      file: "src/recovery/identity.ts",
      find: "    if (!isFilesOwn(error)) throw error;\n",
      replace: "    if (!isFilesOwn(error) || isUnreadable(error)) throw error;\n",
    }],
  },
  {
    name: "the journal ends where it can't be read",
    rule: HONESTY,
    first: "promises: an unreadable place",
    patches: [{
      file: "src/recovery/plan.ts",
      find: '  if (unreadable !== null) return "unreadable";\n',
      replace: "",
    }],
  },
  {
    name: "what stands before an unreadable place is given up with it",
    rule: TAKEN,
    first: "promises: an unreadable place",
    patches: [{
      file: "src/journal/segment_reader.ts",
      find: "        if (batches.length > 0) return batches;\n",
      replace: "        if (refusal === null && batches.length > 0) return batches;\n",
    }],
  },
  {
    name: "what stands behind an unreadable place is not kept",
    rule: "open says what it found, and sets aside with a report of exactly what was lost",
    first: "promises: an unreadable place",
    patches: [{
      file: QUARANTINE,
      find: "  { refusal }: Corruption,",
      replace: "  { refusal, soundEnd }: Corruption,",
    }, {
      file: QUARANTINE,
      find: "  await copyReadable(fs, damaged.path, target);",
      replace: "  await copyRange(fs, damaged.path, 0, soundEnd ?? Infinity, target);",
    }],
  },
  {
    name: "a rotten inode keeps the state down",
    rule: STANDS_IN,
    first: "promises: rotten inodes",
    patches: [{
      file: QUARANTINE,
      find: "    if (edition > EDITION_MAX) throw otherwise;\n",
      replace: "    throw otherwise;\n",
    }],
  },
  {
    name: "what a later edition has taken over from still counts",
    rule: STANDS_IN,
    first: "promises: rotten inodes",
    patches: [{
      file: "src/disk/editions.ts",
      find: "    if (file.sequence >= end || isRetaken) replaced.add(file);\n",
      replace: "    if (isRetaken) replaced.add(file);\n",
    }],
  },
  {
    name: "the journal goes back to the first edition",
    rule: "Durability: what was acknowledged survives a power cut",
    first: "promises: rotten inodes",
    patches: [{
      file: "src/recovery/recovery.ts",
      find: "    edition: editionOf(files),\n",
      replace: "    edition: 1,\n",
    }],
  },
  {
    name: "a copy under the name of a later edition takes over",
    rule: HONESTY,
    first: "promises: a copy under a later name",
    patches: [{
      file: "src/disk/header_file.ts",
      find: "  return header.first === sequence && (header.edition ?? 1) === edition;",
      replace: "  return header.first === sequence && edition > 0;",
    }],
  },
  {
    name: "an edition forgets where it began",
    rule: STANDS_IN,
    first: "promises: what an edition replaced",
    patches: [{
      file: "src/disk/list_state.ts",
      find: "      begun.set(at, Math.min(begun.get(at) ?? NOT_BEGUN, first));\n",
      replace: "      begun.get(at);\n",
    }],
  },
  {
    name: "files that fsck restores outvote the journal",
    rule: "Durability: what was acknowledged survives a power cut",
    first: "promises: the newest edition lasts",
    patches: [{
      file: "src/disk/list_state.ts",
      find: "  if (newest !== undefined) return { ids: [newest[1].id], votes: Infinity };\n",
      replace: "",
    }],
  },
  {
    name: "an edition ends with damage of an earlier one",
    rule: "Durability: what was acknowledged survives a power cut",
    first: "promises: the newest edition lasts",
    patches: [{
      file: QUARANTINE,
      find:
        '    if (editionOf(kept) < editionOf(files)) return await beginNext(new Error("no edition is left"));\n',
      replace: "",
    }],
  },
  {
    name: "another journal's file of a later edition takes over",
    rule: HONESTY,
    first: "promises: another journal's later edition",
    patches: [{
      file: "src/disk/list_state.ts",
      find: "    const isForeign = header.id !== id;\n",
      replace: "    const isForeign = false;\n",
    }],
  },
  {
    name: "compaction deletes whatever it doesn't need",
    rule: HONESTY,
    first: "promises: compaction deletes only",
    patches: [{
      file: "src/state/compaction.ts",
      find: "      if (!await this.#isOwn(file)) {\n",
      replace: "      if (file.edition === 0) {\n",
    }],
  },
];
