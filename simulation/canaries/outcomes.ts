/**
 * Mistakes with outcomes: what was refused or accepted changes with the program, or is shown before it is durable.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const STATE_MACHINE = "src/state/state_machine.ts";
const JOURNAL_WRITER = "src/journal/journal_writer.ts";
const REPAIR = "src/recovery/repair.ts";
const FIRST = "histories: changing programs";

const RECORDED = "Which mutations were refused stands in the next batch, seal or header";
const REPLAYED = "What was refused stays refused, and what was accepted is never dropped";
const UNDECIDED =
  "The last batch of a crash is run as it would have run live, and its outcome is recorded";

/** Each of them breaks one promise about outcomes. */
export const OUTCOMES: readonly Canary[] = [
  {
    name: "a batch doesn't list what was refused before it",
    rule: RECORDED,
    first: FIRST,
    patches: [{
      file: JOURNAL_WRITER,
      find: "const notes = { groups, refused: this.#listed };",
      replace: "const notes = { groups, refused: undefined };",
    }],
  },
  {
    name: "a batch doesn't repeat what a seal or a header lists",
    rule: RECORDED,
    first: FIRST,
    patches: [{
      file: JOURNAL_WRITER,
      find: "const notes = { groups, refused: this.#listed };",
      replace: "const notes = { groups, refused: this.#isUnlisted ? this.#listed : undefined };",
    }],
  },
  {
    name: "a seal doesn't list what was refused before it",
    rule: RECORDED,
    first: FIRST,
    patches: [{
      file: JOURNAL_WRITER,
      find: "refused: this.#listed, undecided, ...notes };",
      replace: "undecided, ...notes };",
    }],
  },
  {
    name: "a new segment's header doesn't list what was refused before it",
    rule: RECORDED,
    first: FIRST,
    patches: [{
      file: JOURNAL_WRITER,
      find: "const past = { checksum: before.checksum, refused: this.#refused };",
      replace: "const past = { checksum: before.checksum, refused: [] };",
    }],
  },
  {
    name: "a segment that replaces an empty one forgets what that one listed",
    rule: RECORDED,
    first: FIRST,
    patches: [{
      file: JOURNAL_WRITER,
      find: "const past = { checksum: before.checksum, refused: this.#refused };",
      replace:
        "const refused = before.header.first === first ? [] : this.#refused;\n    const past = { checksum: before.checksum, refused };",
    }],
  },
  {
    name: "a snapshot on FAT outlives the record of refusals before it",
    rule: RECORDED,
    first: "promises: outcomes: a group with a refusal",
    patches: [{
      file: JOURNAL_WRITER,
      find: "    if (this.#listed !== undefined) await this.#segment.sync();\n",
      replace: "",
    }],
  },
  {
    name: "a snapshot on a full disk outlives what was known of refusals before it",
    rule: RECORDED,
    first: "promises: outcomes: a snapshot on a full disk",
    patches: [{
      file: "src/state/capture.ts",
      find: "      await this.#writer.recordRefusals();\n",
      replace: "",
    }],
  },
  {
    name: "of a refused group, only the first mutation is listed",
    rule: RECORDED,
    first: FIRST,
    patches: [{
      file: "src/journal/group_commit.ts",
      find: "addRange(refused, sequence, sequence + call.texts.length - 1);",
      replace: "addRange(refused, sequence, sequence);",
    }],
  },
  {
    name: "a backup leaves out what only the writer knows of outcomes",
    rule: RECORDED,
    first: FIRST,
    patches: [{
      file: "src/state/backup_plan.ts",
      find: "encodeSeal({ sequence: limit.sequence, refused }, crc32, last.seed),",
      replace: "encodeSeal({ sequence: limit.sequence }, crc32, last.seed),",
    }],
  },
  {
    name: "a backup is not sealed",
    rule: RECORDED,
    first: FIRST,
    patches: [{
      file: "src/state/backup_plan.ts",
      find: "ending: sealOf(survey, limit, fs.crc32) };",
      replace: "ending: null };",
    }],
  },
  {
    name: "a replay runs what was refused",
    rule: REPLAYED,
    first: FIRST,
    patches: [{
      file: "src/state/state_open.ts",
      find:
        "      if (rangeOf(refused, sequence) !== undefined) machine.skip(sequence);\n      else machine",
      replace: "      machine",
    }],
  },
  {
    name: "a replay drops what was accepted and throws now",
    rule: REPLAYED,
    first: FIRST,
    patches: [{
      file: STATE_MACHINE,
      find: "      throw mutatorChanged(sequence, version, cause, false);\n",
      replace: "      if (sequence < 0) throw cause;\n",
    }],
  },
  {
    name: "what a migration drops is run all the same",
    rule: REPLAYED,
    first: FIRST,
    patches: [{
      file: STATE_MACHINE,
      find: "    if (current === DROP) return;\n",
      replace: "",
    }],
  },
  {
    name: "the past is rebuilt with what was refused",
    rule: REPLAYED,
    first: FIRST,
    patches: [{
      file: "src/state/history.ts",
      find: "    if (refused === true) this.machine.skip(sequence);\n    else this.machine",
      replace: "    this.machine",
    }],
  },
  {
    name: "followers are told that everything was accepted",
    rule: REPLAYED,
    first: FIRST,
    patches: [{
      file: "src/journal/journal_cursor.ts",
      find: "ranges === null ? null : rangeOf(ranges, sequence) !== undefined;",
      replace: "ranges === null ? null : false;",
    }],
  },
  {
    name: "a seal decides nothing",
    rule: REPLAYED,
    first: FIRST,
    patches: [{
      file: "src/recovery/survey.ts",
      find: "      replay.decide(facts.refused);\n",
      replace: "",
    }],
  },
  {
    name: "an undecided batch counts as accepted",
    rule: UNDECIDED,
    first: FIRST,
    patches: [{
      file: "src/state/state_open.ts",
      find: ": machine.replayUndecided(undecided.batch, undecided.version, this.#start + 1);",
      replace: ": (this.#undecided = undecided, this.decide([]), []);",
    }],
  },
  {
    name: "an undecided mutation is refused by another version without a word",
    rule: UNDECIDED,
    first: FIRST,
    patches: [{
      file: STATE_MACHINE,
      find: "      if (version === this.version) return false;\n",
      replace: "      if (version > 0) return false;\n",
    }],
  },
  {
    name: "what a recovery found to be refused is not recorded",
    rule: UNDECIDED,
    first: FIRST,
    patches: [{
      file: REPAIR,
      find: "const journalEnd = { ...plan, isListed };",
      replace: "const journalEnd = { ...plan, refused: [], isListed: true };",
    }],
  },
  {
    name: "a segment begun by a recovery doesn't list what was refused before it",
    rule: UNDECIDED,
    first: "promises: outcomes: a group with a refusal",
    patches: [{
      file: REPAIR,
      find: "segmentBeginning(own, sequence + 1, plan, now, settings);",
      replace: "segmentBeginning(own, sequence + 1, { checksum: plan.checksum }, now, settings);",
    }],
  },
  {
    name: "a replay doesn't read where groups begin and end",
    rule: UNDECIDED,
    first: FIRST,
    patches: [{
      file: STATE_MACHINE,
      find: "const last = rangeOf(groups, first)?.[1] ?? first;",
      replace: "const last = first;",
    }],
  },
  {
    name: "an undecided batch before the snapshot sets the sequence back",
    rule: UNDECIDED,
    first: "promises: outcomes: a snapshot is later",
    patches: [{
      file: STATE_MACHINE,
      find: "    this.sequence = Math.max(this.sequence, sequenceLast);\n",
      replace: "    this.sequence = sequenceLast;\n",
    }],
  },
  {
    name: "a damaged line with notes proves nothing",
    rule: "Proof distinguishes damage from a torn tail, even where a line says more than usual",
    first: "promises: outcomes: a line with notes",
    patches: [{
      file: "src/format/batch_end.ts",
      find: 'text[checksum - 1] === "}" ? text.lastIndexOf(",{", checksum) : checksum;',
      replace: "checksum;",
    }],
  },
];
