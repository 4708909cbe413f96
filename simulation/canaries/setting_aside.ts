/**
 * Mistakes of `open` with damaged files: what it sets aside, in which order, and what it reports.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const REPAIR = "src/recovery/repair.ts";
const CORRUPTION = "src/recovery/corruption.ts";
const QUARANTINE = "src/recovery/quarantine.ts";

const REPORT = "open says what it found, and sets aside with a report of exactly what was lost";
const TAKEN = "What can be read the next time is not given up, and means the same then";

/** Each of them breaks one promise about what is set aside. */
export const SETTING_ASIDE: readonly Canary[] = [
  {
    name: "the sound part of a damaged segment gets its name before it is synced",
    rule: REPORT,
    first: "power cuts: quarantine",
    patches: [{
      file: "src/disk/copy_range.ts",
      find: "    await output.syncAll();\n    await fs.rename",
      replace: "    await fs.rename",
    }],
  },
  {
    name: "a torn tail is cut without a word",
    rule: REPORT,
    first: "power cuts: repair of a torn tail",
    patches: [{
      file: REPAIR,
      find: "    torn: torn && { ...torn, keptAt },",
      replace: "    torn: null,",
    }],
  },
  {
    name: "the report counts no replayed mutations",
    rule: REPORT,
    first: "power cuts: closing and opening again",
    patches: [{
      file: "src/recovery/recovery.ts",
      find: "    replayed: plan.sequence - plan.start.sequence,",
      replace: "    replayed: 0,",
    }],
  },
  {
    name: "damage is set aside without a word",
    rule: REPORT,
    first: "bit rot: sealed single mutations, any bit",
    patches: [{
      file: REPAIR,
      find: "    lost: lost && { ...lost, quarantined: [...lost.quarantined, ...moved] },",
      replace: "    lost: null,",
    }],
  },
  {
    name: "the report of what was lost is too short",
    rule: REPORT,
    first: "bit rot: sealed single mutations, any bit",
    patches: [{
      file: CORRUPTION,
      find: "  return highest > base ? highest : null;",
      replace: "  return highest > base ? base + 1 : null;",
    }],
  },
  {
    name: "the report of what was lost is not on the disk",
    rule: REPORT,
    first: "bit rot: sealed single mutations, any bit",
    patches: [{
      file: QUARANTINE,
      find: "  await writeReport(directory, names, lost);\n",
      replace: "",
    }],
  },
  {
    name: "only the sound part of a damaged segment is kept",
    rule: REPORT,
    first: "bit rot: sealed single mutations, any bit",
    patches: [{
      file: QUARANTINE,
      find: "  { refusal }: Corruption,",
      replace: "  { refusal, soundEnd }: Corruption,",
    }, {
      file: QUARANTINE,
      find: "  await copyReadable(fs, damaged.path, target);",
      replace: "  await copyRange(fs, damaged.path, 0, soundEnd ?? 0, target);",
    }],
  },
  {
    name: "later segments are moved away before the damaged one is replaced",
    rule: REPORT,
    first: "power cuts: quarantine",
    patches: [
      {
        file: QUARANTINE,
        find: "  if (damaged === null) segment = await beginAnew();",
        replace: `  for (const part of [later.slice(0, -1), later.slice(-1)]) {
    const { targets, stuck } = await moveAside(directory, names, part);
    quarantined.push(...targets);
    if (stuck !== null) return await takeOver(stuck);
  }
  if (damaged === null) segment = await beginAnew();`,
      },
      {
        file: QUARANTINE,
        find: `  for (const part of [later.slice(0, -1), later.slice(-1)]) {
    const { targets, stuck } = await moveAside(directory, names, part);
    quarantined.push(...targets);
    if (stuck !== null) return await takeOver(stuck);
  }
  return { lost, segment };`,
        replace: "  return { lost, segment };",
      },
    ],
  },
  {
    name: "a rotten snapshot that can't be moved is passed over",
    rule: TAKEN,
    first: "promises: a rotten snapshot",
    patches: [{
      file: "src/recovery/aside_unneeded.ts",
      find: "  if (stuck.length === 0) return paths;\n",
      replace: "  if (stuck.length >= 0) return paths;\n",
    }, {
      // Otherwise the snapshot is found to be of another history.
      file: "src/recovery/replay_start.ts",
      find:
        "if (newest.found === null || !await isDisputed(fs, files, newest.found)) return newest;",
      replace: "return newest;",
    }],
  },
  {
    name: "a second quarantine replaces what the first one kept",
    rule: REPORT,
    first: "promises: what was set aside",
    patches: [{
      file: "src/recovery/quarantine_folder.ts",
      find: "      if (this.#taken.has(candidate)) continue;\n",
      replace: "",
    }],
  },
  {
    name: "later segments are moved away the latest first",
    rule: REPORT,
    first: "promises: damage is set aside",
    patches: [{
      file: QUARANTINE,
      find: "  const { damaged, later } = corruption;",
      replace: "  const { damaged } = corruption;\n  const later = corruption.later.toReversed();",
    }],
  },
  {
    name: "rotten snapshots are moved away before the damage they prove",
    rule: REPORT,
    first: "promises: damage is set aside",
    patches: [{
      file: REPAIR,
      find: "  const paths = await setUnusableAside(directory, skipped, writer);\n",
      replace: "",
    }, {
      file: REPAIR,
      find: "  await directory.removeTemporary(files);\n",
      replace: `  const paths = await setUnusableAside(directory, unusableSnapshots(survey), null!);
  await directory.removeTemporary(files);
`,
    }],
  },
  {
    name: "the report is written when the damaged segment is gone",
    rule: REPORT,
    first: "promises: damage is set aside",
    patches: [{
      file: QUARANTINE,
      find: `  await writeReport(directory, names, lost);
  await fs.syncDirectory(names.folder);
`,
      replace: "",
    }, {
      file: QUARANTINE,
      find: "  for (const part of [later",
      replace: `  await writeReport(directory, names, lost);
  await fs.syncDirectory(names.folder);
  for (const part of [later`,
    }],
  },
  {
    name: "the names of what is kept are not synced before the damage goes",
    rule: REPORT,
    first: "promises: damage is set aside",
    patches: [{
      file: QUARANTINE,
      find: `  await writeReport(directory, names, lost);
  await fs.syncDirectory(names.folder);
`,
      replace: `  await writeReport(directory, names, lost);
`,
    }],
  },
  {
    name: "a snapshot with a damaged first line proves nothing",
    rule: REPORT,
    first: "promises: damage is set aside",
    patches: [{
      file: "src/recovery/snapshot_facts.ts",
      find: `  if (header === null) return file.sequence;
`,
      replace: `  if (header === null) return 0;
`,
    }],
  },
  {
    name: "the journal goes on in a segment that ends before the snapshot",
    rule: REPORT,
    first: "promises: damage is set aside",
    patches: [{
      file: CORRUPTION,
      find: "soundEnd: sequenceNext - 1 === sequence ? soundEnd : null,",
      replace: "soundEnd,",
    }],
  },
  {
    name: "what one refused read hides is given up",
    rule: TAKEN,
    first: "promises: a read that is refused",
    patches: [{
      file: "src/disk/refusals.ts",
      find: "export const READ_ATTEMPTS = 3;",
      replace: "export const READ_ATTEMPTS = 1;",
    }, {
      file: "src/recovery/recovery.ts",
      find: `  refuseHidden(survey, plan);
`,
      replace: "",
    }],
  },
];
