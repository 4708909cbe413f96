/**
 * Mistakes of everything beside the journal: snapshots, compaction, backups, updates, the lock, names, keys.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const SNAPSHOT_FILE = "src/snapshot/snapshot_file.ts";
const COMPACTION = "src/state/compaction.ts";
const BACKUP = "src/state/backup.ts";
const PLAN = "src/state/backup_plan.ts";
const DIRECTORY = "src/journal/state_directory.ts";
const LOCKING = "src/disk/directory_lock.ts";

const SNAPSHOTS =
  "A snapshot is synced, renamed and verified before anything it replaces is deleted";
const KEPT = "Two snapshots and the journal of the older one are kept: a rotten one costs nothing";
const COPIES = "backup() copies a live state consistently";
const UPDATES = "An update of the program migrates old snapshots and old journals";
const LOCK = "One writer; an abandoned lock never blocks; reading needs no lock";
const HOSTILE =
  "Names can't leave the directory, keys reach no prototype, a hostile journal is read in bounded time";

/** Each of them breaks one promise about what is kept. */
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
      find: "    await verifySnapshot(fs, { ...file, path: temporary });\n",
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
  {
    name: "a large state of now is written under an older sequence",
    rule: SNAPSHOTS,
    first: "promises: a large state",
    patches: [
      {
        file: COMPACTION,
        find: "{ sequence: this.#writer.sequence, lines: () => lines }",
        replace: "{ sequence, lines: () => lines }",
      },
    ],
  },
  {
    name: "a part of a large state is written as all of it",
    rule: SNAPSHOTS,
    first: "power cuts: snapshots of a large state",
    patches: [
      {
        file: COMPACTION,
        find: "if (size > sizeMax) return null;",
        replace: "if (size > sizeMax) break;",
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
    name: "a replay is told the segment's timestamp",
    rule: "replay gives the state that there was",
    first: "power cuts: concurrent",
    patches: [
      {
        file: "src/state/state_open.ts",
        find: "mutations }: Batch, { version }: SegmentHeader",
        replace: "mutations }: Batch, { version, timestamp: begun }: SegmentHeader",
      },
      {
        file: "src/state/state_open.ts",
        find: "machine.replay(sequenceFirst + i, timestamp, mutations[i], version);",
        replace: "machine.replay(sequenceFirst + i, begun, mutations[i], version);",
      },
    ],
  },
  {
    name: "what was opened unsealed is closed without a seal",
    rule: "a clean close proves the last batch",
    first: "bit rot: reopened",
    patches: [
      {
        file: "src/recovery/repair.ts",
        find: "settings, segment, sequence, plan.sealed);",
        replace: "settings, segment, sequence, true);",
      },
    ],
  },
];
