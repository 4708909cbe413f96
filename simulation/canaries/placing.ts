/**
 * Mistakes that show when the path of an open directory means another place later.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const PLACE = "A manager touches the directory whose lock it holds, and no other";

/** Each of them breaks the promise about the place. */
export const PLACING: readonly Canary[] = [
  {
    name: "nobody looks whether the path still means the directory that was opened",
    rule: PLACE,
    first: "promises: another directory",
    patches: [{
      file: "src/disk/place.ts",
      find: "    if (!this.checked) return;",
      replace: "    if (this.checked) return;",
    }],
  },
  {
    name: "a place that was left is used again once the directory is back",
    rule: PLACE,
    first: "promises: what is acknowledged has a name",
    patches: [{
      file: "src/disk/place.ts",
      find: "    this.#gone ??= error;\n    return this.#gone;",
      replace: "    return error;",
    }],
  },
  {
    name: "a batch is acknowledged in a segment that was removed",
    rule: PLACE,
    first: "promises: what is acknowledged has a name",
    patches: [{
      file: "src/disk/place.ts",
      find: "    if (links === 0) return",
      replace: "    if (links < 0) return",
    }],
  },
  {
    name: "close() doesn't look where it is",
    rule: PLACE,
    first: "promises: the directory is locked",
    patches: [{
      file: "src/journal/state_directory.ts",
      find: "      await this.#place.check();\n      return null;",
      replace: "      return null;",
    }],
  },
  {
    name: "only the lock file is locked",
    rule: PLACE,
    first: "promises: the directory is locked",
    patches: [{
      file: "src/disk/directory_lock.ts",
      find: "fs.lock(lockPath, path)",
      replace: "fs.lock(lockPath)",
    }],
  },
  {
    name: "a lock file that can't be opened keeps the writer out",
    rule: PLACE,
    first: "promises: a rotten lock file",
    patches: [{
      file: "src/disk/directory_lock.ts",
      find: "    if (damage === null) throw error;",
      replace: "    if (damage !== undefined) throw error;",
    }],
  },
  {
    name: "where the lock file can't be opened, nothing is locked",
    rule: PLACE,
    first: "promises: a rotten lock file",
    patches: [{
      file: "src/disk/directory_lock.ts",
      find: "    return await fs.lockDirectory(path);",
      replace: "    return { release: () => {}, identity: () => fs.identity(path) };",
    }],
  },
  {
    name: "create: false looks for a state only before the lock",
    rule: PLACE,
    first: "promises: a state that vanishes",
    patches: [{
      file: "src/journal/state_directory.ts",
      find: "    if (!create && !holdsState(files)) throw",
      replace: "    if (create && !holdsState(files) && !create) throw",
    }],
  },
  {
    name: "a segment that a backup shares is written to",
    rule: PLACE,
    first: "promises: a backup of hard links",
    patches: [{
      file: "src/recovery/repair.ts",
      find: "    if (links < 2) return;",
      replace: "    if (links > 0) return;",
    }],
  },
  {
    name: "a reader takes another journal under the same number for its own",
    rule: PLACE,
    first: "promises: a reader knows its journal",
    patches: [{
      file: "src/journal/journal_files.ts",
      find: "    if (reader.header.id === this.#id) return reader;",
      replace: "    if (reader.header.id !== null) return reader;",
    }],
  },
];
