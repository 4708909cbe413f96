/**
 * Mistakes about what is let in: a second writer, names, keys, and hostile files.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const LOCKING = "src/disk/directory_lock.ts";
const DIRECTORY = "src/journal/state_directory.ts";

const LOCK = "One writer; an abandoned lock never blocks; reading needs no lock";
const HOSTILE =
  "Names can't leave the directory, keys reach no prototype, a hostile journal is read in bounded time";

/** Each of them breaks one promise about what is let in. */
export const LETTING_IN: readonly Canary[] = [
  {
    name: "a second writer is let in",
    rule: LOCK,
    first: "promises: one writer",
    patches: [{
      file: LOCKING,
      find: "await takeLock(fs, path, lockPath);",
      replace: `await takeLock(fs, path, lockPath) ?? {
        lock: { release: () => {}, identity: () => fs.identity(lockPath) },
        path: lockPath,
        lockFileDamage: null,
      };`,
    }],
  },
  {
    name: "a lock file that was left stops the next open",
    rule: LOCK,
    first: "power cuts: closing and opening again",
    patches: [{
      file: LOCKING,
      find: "      const taken = await takeLock(fs, path, lockPath);",
      replace: `      const left = (await fs.list(path)).some(({ name }) => name === LOCK_NAME);
      const taken = left ? null : await takeLock(fs, path, lockPath);`,
    }],
  },
  {
    name: "reading takes the lock",
    rule: LOCK,
    first: "promises: one writer",
    patches: [{
      file: DIRECTORY,
      find: "      readOnly\n        ?",
      replace: "      false\n        ?",
    }],
  },
  {
    name: "a journal's name leads out of the state directory",
    rule: HOSTILE,
    first: "promises: names",
    patches: [{
      file: "src/disk/names.ts",
      find: "!WHOLE_STEM.test(stem)",
      replace: 'stem === ""',
    }],
  },
  {
    name: "a key reaches a prototype",
    rule: HOSTILE,
    first: "promises: keys",
    patches: [{
      file: "src/format/set_member.ts",
      find: '  if (key !== "__proto__") {',
      replace: "  {",
    }],
  },
  {
    name: "a tail larger than any batch is taken for torn",
    rule: HOSTILE,
    first: "promises: a hostile journal",
    patches: [{
      file: "src/recovery/plan.ts",
      find: "evidence.writtenEnd - soundEnd > TORN_SIZE_MAX;",
      replace: "false;",
    }],
  },
  {
    name: "the search for proof never gives up",
    rule: HOSTILE,
    first: "promises: a hostile journal",
    patches: [{
      file: "src/recovery/tail_evidence.ts",
      find: "    if (exhausted) this.evidence.exhausted = true;\n    return exhausted;",
      replace: "    return false;",
    }],
  },
];
