/**
 * Mistakes of `open`: what it treats as sound, torn or damaged, and by which proof.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const REPAIR = "src/recovery/repair.ts";
const TABLE = "src/recovery/recovery_table.ts";
const CORRUPTION = "src/recovery/corruption.ts";
const JOURNAL_WRITER = "src/journal/journal_writer.ts";
const ENCODE = "src/format/encode.ts";
const BATCH_SCAN = "src/format/batch_scan.ts";
const RECOVERABILITY = "Recoverability: open after any power cut succeeds without human help";
const HONESTY = "Honesty: damage that a power cut can't explain is never dropped silently";
const HISTORY_POINT = "src/format/history_point.ts";
const HISTORY = "Generations: a file of a copy of the directory is corruption, never history";
const BEGINNING = "The initial state is stored when a directory is made, and never asked for again";
const PROOF = "Torn or damaged is decided by proof: checksums, the durable horizon, seals";

/** Each of them breaks one promise about opening. */
export const RECOVERING: readonly Canary[] = [
  {
    name: "a segment that FAT left empty counts as damaged",
    rule: RECOVERABILITY,
    first: "power cuts: the first mutation ever",
    patches: [{
      file: "src/recovery/plan.ts",
      find: "    const isUnbegun = isDamage && next === undefined && isNext && facts.isEmpty;\n",
      replace: "    const isUnbegun = isDamage && next === undefined && isNext && sequence < 0;\n",
    }],
  },
  {
    name: "a torn tail is taken for damage",
    rule: RECOVERABILITY,
    first: "power cuts: sequential mutations",
    patches: [{ file: TABLE, find: '    verdict: "cut",', replace: '    verdict: "corrupt",' }],
  },
  {
    name: "a file that was never finished stops the next open",
    rule: RECOVERABILITY,
    first: "power cuts: the first mutation ever",
    // Either alone makes up for the other.
    patches: [
      { file: REPAIR, find: "  await directory.removeTemporary(files);\n", replace: "" },
      {
        file: "src/disk/file_io.ts",
        find: '    if ((error as { code?: string }).code !== "EEXIST") throw error;\n',
        replace: "    throw error;\n",
      },
    ],
  },
  {
    name: "a segment of a copy of the directory continues the journal",
    rule: HISTORY,
    first: "promises: a file of a copy",
    patches: [{
      file: HISTORY_POINT,
      find: "return one !== null && other !== null && one !== other;",
      replace: "return one === -2 && other === one;",
    }],
  },
  {
    name: "a segment doesn't say which batch it continues",
    rule: HISTORY,
    first: "promises: a file of a copy",
    patches: [{
      file: HISTORY_POINT,
      find: "return checksum === null ? null : hex8(checksum);",
      replace: "return checksum === -1 ? hex8(checksum) : null;",
    }],
  },
  {
    name: "a snapshot of a copy of the directory wins over the journal",
    rule: HISTORY,
    first: "promises: a file of a copy",
    patches: [{
      file: "src/recovery/replay_start.ts",
      find:
        "if (newest.found === null || !await isDisputed(fs, files, newest.found)) return newest;",
      replace: "if (newest.found !== null || files.snapshots.length === 0) return newest;",
    }],
  },
  {
    name: "an update's initial() replaces the one that the directory began with",
    rule: BEGINNING,
    first: "promises: an update that begins with another state",
    patches: [{
      file: "src/recovery/survey.ts",
      find: "    replay.begin(state, header.version);\n",
      replace: "",
    }],
  },
  {
    name: "the initial state is not stored",
    rule: BEGINNING,
    first: "promises: an update that begins with another state",
    patches: [{
      file: REPAIR,
      find: "segmentBeginning(own, sequence + 1, plan, now, settings);",
      replace:
        "segmentBeginning(own, sequence + 1, plan, now, { ...settings, initial: () => null });",
    }],
  },
  {
    name: "an update of a directory without a record loses what it began with",
    rule: BEGINNING,
    first: "promises: an update that begins with another state",
    patches: [{
      file: JOURNAL_WRITER,
      find: "segmentBeginning(this.identity, first, past, now, this.#settings);",
      replace:
        "segmentBeginning(this.identity, first, past, now, { ...this.#settings, initial: () => null });",
    }],
  },
  {
    name: "a damaged initial state is replaced by the program's",
    rule: HONESTY,
    first: "promises: an update that begins with another state",
    patches: [{
      file: "src/recovery/plan.ts",
      find: "if (snapshot === null) return initialFailure !== null;",
      replace: "if (snapshot === null) return false;",
    }, {
      file: "src/recovery/survey.ts",
      find: "(isBegun || header.initial === undefined || basis.start.snapshot !== null);",
      replace: "header.first > 0;",
    }],
  },
  {
    name: "a record of the year 1970 is refused",
    rule: "Nothing depends on the wall clock",
    first: "promises: damage is set aside whole",
    patches: [{
      file: "src/format/batch_end.ts",
      find: '|| typeof timestamp !== "number") return null;',
      replace: '|| typeof timestamp !== "number" || timestamp <= 0) return null;',
    }],
  },
  {
    name: "nothing behind damage is looked at for proof",
    rule: HONESTY,
    first: "bit rot: sealed single mutations, any bit",
    patches: [{
      file: "src/recovery/plan.ts",
      find: '  if (evidence.proof !== null || evidence.exhausted) return "proven";\n',
      replace: "",
    }, {
      file: "src/recovery/plan.ts",
      find: 'return overlong ? "proven" : "unproven";',
      replace: 'return "unproven";',
    }],
  },
  {
    name: "damage before a later segment is taken for sound",
    rule: HONESTY,
    first: "bit rot: unsealed segments alone, any bit",
    patches: [{
      file: TABLE,
      find: '    reach: ["short", "beyond"],\n    verdict: "corrupt",',
      replace: '    reach: ["short", "beyond"],\n    verdict: "open",',
    }],
  },
  {
    name: "records that are missing before the next segment are not missed",
    rule: HONESTY,
    first: "bit rot: unsealed segments alone, any file is cut",
    patches: [{
      file: TABLE,
      find: '    verdict: "corrupt",\n    says: "records are missing between',
      replace: '    verdict: "open",\n    says: "records are missing between',
    }],
  },
  {
    name: "a gap between batches is taken for sound",
    rule: HONESTY,
    first: "promises: a removed line",
    patches: [{
      file: "src/format/scan.ts",
      find: "    if (batch.sequenceFirst !== expected) {",
      replace: "    if (batch.sequenceFirst < expected) {",
    }],
  },
  {
    name: "the error about damage names no offset",
    rule: HONESTY,
    first: "bit rot: sealed single mutations, any bit",
    patches: [{
      file: CORRUPTION,
      find: "      offset: corruption.offset,\n      sequence: sequenceFirst,",
      replace: "      sequence: sequenceFirst,",
    }],
  },
  {
    name: "the checksum of a batch is not checked",
    rule: PROOF,
    first: "bit rot: sealed single mutations, any bit",
    patches: [{ file: BATCH_SCAN, find: "if (sum === checksum) return", replace: "return" }],
  },
  {
    name: "the checksums of headers, seals and snapshots are not checked",
    rule: PROOF,
    first: "bit rot: sealed segments and snapshots, any bit",
    patches: [{
      file: "src/format/scan.ts",
      find: 'if (!text.endsWith(`,"crc":"${hex8(checksum)}"}`)) return null;',
      replace: 'if (!/,"crc":"[0-9a-f]{8}"}$/.test(text)) return null;',
    }],
  },
  {
    name: "the horizon is too high by one",
    rule: PROOF,
    first: "bit rot: unsealed single mutations, any bit",
    // The reader takes it, or no batch could be read at all.
    patches: [{
      file: ENCODE,
      find: "encodeBatchEnd(horizon, timestamp, notes)",
      replace: "encodeBatchEnd(horizon + 1, timestamp, notes)",
    }, {
      file: BATCH_SCAN,
      find: "const { horizon, timestamp, groups, refused } = end;",
      replace:
        "const { timestamp, groups, refused } = end;\n  const horizon = (lines[first + count - 1] as number[])[0]! - count;",
    }],
  },
  {
    name: "the horizon is too low by one",
    rule: PROOF,
    first: "bit rot: unsealed single mutations, any bit",
    patches: [{
      file: ENCODE,
      find: "encodeBatchEnd(horizon, timestamp, notes)",
      replace: "encodeBatchEnd(Math.max(0, horizon - 1), timestamp, notes)",
    }, {
      file: BATCH_SCAN,
      find: "const { horizon, timestamp, groups, refused } = end;",
      replace:
        "const { timestamp, groups, refused } = end;\n  const horizon = (lines[first + count - 1] as number[])[0]! - count;",
    }],
  },
  {
    name: "a batch is not found behind a line feed that was destroyed",
    rule: PROOF,
    first: "bit rot: unsealed single mutations, any line feed",
    patches: [{
      file: "src/recovery/batch_starts.ts",
      find: "        remember(this.#inner, INNER_KEPT, sequence, base + at, INNER_PLACES);\n",
      replace: "",
    }],
  },
  {
    name: "close() writes no seal",
    rule: PROOF,
    first: "bit rot: sealed single mutations, any bit",
    patches: [{
      file: JOURNAL_WRITER,
      find:
        "      if (!isSealed) await hasNoSpaceFor(() => segment.writeSeal(this.#sealContent));\n",
      replace: "",
    }],
  },
  {
    name: "a seal is not synced",
    rule: PROOF,
    first: "bit rot: sealed single mutations, any bit",
    // When the journal is idle, and when it is closed.
    patches: [
      {
        file: JOURNAL_WRITER,
        find: "    await this.#segment.sync();\n    this.#isListed = true;\n    const",
        replace: "    this.#isListed = true;\n    const",
      },
      { file: JOURNAL_WRITER, find: "      if (!isSealed) await segment.sync();\n", replace: "" },
    ],
  },
  {
    name: "an idle journal writes no seal",
    rule: PROOF,
    first: "bit rot: idle",
    patches: [{
      file: JOURNAL_WRITER,
      find: "    this.#queue.exclusive(() => this.#writeSeal()).catch(",
      replace: "    this.#queue.exclusive(() => Promise.resolve()).catch(",
    }],
  },
];
