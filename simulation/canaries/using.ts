/**
 * Mistakes that callers meet while everything is sound: the past they ask for, outcomes, sizes.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const PAST = "Histories are whole, in order, and never ahead of what is durable";
const DURABLE = "A reader beside a writer sees only what no power cut can undo";
const OUTCOME = "Replay repeats every outcome, whatever the mutator, the mutation and the clock";
const SIZE = "What is acknowledged can be read";

/** Each of them breaks one promise about everyday use. */
export const USING: readonly Canary[] = [
  {
    name: "followers are told of what is not durable yet",
    rule: PAST,
    first: "promises: followers",
    patches: [{
      file: "src/journal/journal_cursor.ts",
      find:
        "const records = this.#recordsOf(batches, outcome, reader, limit?.sequence ?? Infinity);",
      replace: "const records = this.#recordsOf(batches, outcome, reader, Infinity);",
    }, {
      file: "src/journal/journal_cursor.ts",
      find: "  return limit?.path === reader.file.path ? limit.offset : Infinity;",
      replace: "  return Infinity;",
    }],
  },
  {
    name: "a reader is told of what came after it",
    rule: PAST,
    first: "promises: the past",
    patches: [{
      file: "src/journal/journal_cursor.ts",
      find:
        "const records = this.#recordsOf(batches, outcome, reader, limit?.sequence ?? Infinity);",
      replace: "const records = this.#recordsOf(batches, outcome, reader, Infinity);",
    }],
  },
  {
    name: "followers end before what is under way is settled",
    rule: PAST,
    first: "promises: followers",
    patches: [{
      file: "src/journal/journal_writer.ts",
      find: `    await this.#queue.idle();
    this.tail.end();
`,
      replace: `    this.tail.end();
    await this.#queue.idle();
`,
    }],
  },
  {
    name: "followers who begin within a group get all of it",
    rule: PAST,
    first: "promises: followers",
    patches: [{
      file: "src/journal/journal_cursor.ts",
      find: "for (let i = Math.max(0, this.next - sequenceFirst); i < count; i++) {",
      replace: "for (let i = 0; i < count; i++) {",
    }],
  },
  {
    name: "followers wait for the next mutation to end",
    rule: PAST,
    first: "promises: followers end",
    patches: [{
      file: "src/state/change_iterator.ts",
      find: "    for (const { resolve } of asked) resolve(done<T>());\n",
      replace: "",
    }],
  },
  {
    name: "a reader is shown what is not synced yet",
    rule: DURABLE,
    first: "promises: a reader sees",
    patches: [{
      file: "src/journal/cover.ts",
      find: "    await reader.syncData();\n",
      replace: "",
    }],
  },
  {
    name: "a reader that opens trusts the last batch",
    rule: DURABLE,
    first: "promises: a reader sees",
    patches: [{
      file: "src/recovery/recovery.ts",
      find:
        "  if (settings.readOnly && plan.corruption === null) await coverLast(fs, files, plan.end);\n",
      replace: "",
    }],
  },
  {
    name: "a replay goes beyond its end",
    rule: PAST,
    first: "promises: the past",
    patches: [{
      file: "src/journal.ts",
      find: "sequence: to }),",
      replace: "sequence: this.sequence }),",
    }],
  },
  {
    name: "the past is built from a later snapshot",
    rule: PAST,
    first: "promises: the past",
    patches: [{
      file: "src/state/history.ts",
      find: "{ atMost: sequence, versionMax: machine.version, pieces: pieces.read }",
      replace: "{ versionMax: machine.version, pieces: pieces.read }",
    }],
  },
  {
    name: "looking at the past changes the present",
    rule: PAST,
    first: "promises: the past",
    patches: [{
      file: "src/state/state_machine.ts",
      find: "    return new StateMachine(this.#mutator);",
      replace: "    return this;",
    }],
  },
  {
    name: "a reader gives up when files change under it",
    rule: PAST,
    first: "promises: a reader",
    patches: [{
      file: "src/recovery/read_steadily.ts",
      find: "const SURVEYS_MAX = 5;",
      replace: "const SURVEYS_MAX = 1;",
    }],
  },
  {
    name: "a group with a refusal leaves what comes before it",
    rule: OUTCOME,
    first: "histories: changing programs",
    patches: [{
      file: "src/state/state_machine.ts",
      find: "throw refused(draft.undo(cause), sequence, mutations.length);",
      replace: `if (results.length > 0) draft.commit([]);
      throw refused(results.length > 0 ? cause : draft.undo(cause), sequence, mutations.length);`,
    }],
  },
  {
    name: "a reducer's state is not always taken",
    rule: OUTCOME,
    first: "promises: replay repeats",
    patches: [{
      file: "src/state/state_machine.ts",
      find: "        this.state = applied[applied.length - 1]!.result as unknown as S;\n",
      replace:
        "        if (this.sequence % 2 === 1) this.state = applied[applied.length - 1]!.result as unknown as S;\n",
    }],
  },
  {
    name: "the mutator gets the caller's own object",
    rule: OUTCOME,
    first: "promises: replay repeats",
    patches: [{
      file: "src/state_manager.ts",
      find: "return this.#submit([this.#encode(mutation)], firstOf);",
      replace:
        "const texts = Object.assign([this.#encode(mutation)], { own: [mutation] });\n      return this.#submit(texts, firstOf);",
    }, {
      file: "src/state/state_machine.ts",
      find: "    const mutations = texts.map(parseExactly) as M[];\n    return",
      replace:
        "    const mutations = (texts as { own?: M[] }).own ?? texts.map(parseExactly) as M[];\n    return",
    }, {
      file: "src/state/state_machine.ts",
      find: "    if (texts.length === 1) {\n",
      replace: '    if (texts.length === 1 && !("own" in texts)) {\n',
    }],
  },
  {
    name: "what a schema makes of a mutation is not journaled",
    rule: OUTCOME,
    first: "promises: replay repeats",
    patches: [{
      file: "src/state_manager.ts",
      find: "schema === undefined ? mutation : validate(schema, mutation)",
      replace: "schema === undefined ? mutation : (validate(schema, mutation), mutation)",
    }],
  },
  {
    name: "a mutator is told the sequence before",
    rule: OUTCOME,
    first: "power cuts: sequential",
    patches: [{
      file: "src/state/state_machine.ts",
      find: "const context = { sequence: sequenceFirst + i, timestamp };",
      replace: "const context = { sequence: sequenceFirst + i - 1, timestamp };",
    }],
  },
  {
    name: "what is no time is journaled",
    rule: OUTCOME,
    first: "promises: replay repeats",
    patches: [{
      file: "src/format/format.ts",
      find: "  return Number.isSafeInteger(time) ? time : 0;",
      replace: "  return time;",
    }],
  },
  {
    name: "a batch of more bytes than characters is cut short",
    rule: OUTCOME,
    first: "promises: replay repeats",
    patches: [{
      file: "src/format/encode.ts",
      find: "const sizeMax = lines.length * 3 + 12;",
      replace: "const sizeMax = lines.length + 12;",
    }],
  },
  {
    name: "a part of a long list is written twice",
    rule: OUTCOME,
    first: "promises: a snapshot drops",
    patches: [{
      file: "src/format/snapshot_encode.ts",
      find: "      if (key !== undefined) part.push(key);",
      replace: "      part.push(key === undefined ? value : key);",
    }],
  },
  {
    name: "a group may have any size",
    rule: SIZE,
    first: "promises: what is acknowledged",
    patches: [{
      file: "src/format/mutation_encode.ts",
      find: "  if (size <= GROUP_SIZE_MAX) return size;",
      replace: "  if (size > 0) return size;",
    }],
  },
  {
    name: "calls that wait together make a batch of any size",
    rule: SIZE,
    first: "promises: what is acknowledged",
    patches: [{
      file: "src/journal/group_commit.ts",
      find: "(count > 0 && size + next.size > BATCH_SIZE_TARGET)",
      replace: "(count < 0 && size + next.size > BATCH_SIZE_TARGET)",
    }],
  },
  {
    name: "a replay is told the segment's timestamp",
    rule: "replay gives the state that there was",
    first: "power cuts: concurrent",
    patches: [{
      file: "src/state/state_open.ts",
      find: "consume(batch: Batch, { version }: SegmentHeader)",
      replace: "consume(batch: Batch, { version, timestamp }: SegmentHeader)",
    }, {
      file: "src/state/state_open.ts",
      find: "this.#undecided = { batch, version };",
      replace: "this.#undecided = { batch: { ...batch, timestamp }, version };",
    }],
  },
];
