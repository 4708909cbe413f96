/**
 * Mistakes of `close`: what it waits for, what it leaves on the disk, and what follows.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const TAIL = "A close that is asked for a snapshot leaves nothing to replay, and no more files";
const END = "close() waits for everything, then releases the lock, and nothing follows";

/** Each of them breaks one promise about the end. */
export const CLOSING: readonly Canary[] = [
  {
    name: "close() does not wait for what is under way",
    rule: END,
    first: "promises: followers",
    patches: [{
      file: "src/journal/journal_writer.ts",
      find: `    await this.#queue.idle();
`,
      replace: "",
    }],
  },
  {
    name: "close() does not wait for a compaction",
    rule: END,
    first: "promises: closing",
    patches: [{
      file: "src/state_manager.ts",
      find: `      await this.#turn.idle();
`,
      replace: "",
    }],
  },
  {
    name: "the lock goes before the seal",
    rule: END,
    first: "promises: closing",
    patches: [{
      file: "src/state_manager.ts",
      find: `      await this.#writer?.close();
    } finally {
      await this.#directory.close();
    }`,
      replace: `      await this.#directory.close();
    } finally {
      await this.#writer?.close();
    }`,
    }],
  },
  {
    name: "a store gives its lock back under a snapshot",
    rule: END,
    first: "promises: closing",
    patches: [{
      file: "src/snapshot_store.ts",
      find: "    await this.#directory.close(this.#turn.idle());",
      replace: "    await this.#directory.close();",
    }],
  },
  {
    name: "a mutation after the end is journaled",
    rule: END,
    first: "promises: a journal opened alone",
    patches: [{
      file: "src/journal/journal_writer.ts",
      find: `    this.refuseClosed();
    return this.#queue.submit(`,
      replace: "    return this.#queue.submit(",
    }],
  },
  {
    name: "close() keeps the lock when the disk fails",
    rule: END,
    first: "promises: a closed directory is unlocked",
    patches: [{
      file: "src/state_manager.ts",
      find: `    } finally {
      await this.#directory.close();
    }`,
      replace: `    } finally {
      if (this.#writer === null || this.#writer.poison === null) await this.#directory.close();
    }`,
    }],
  },
  {
    name: "every open and close writes a seal",
    rule: END,
    first: "promises: closing",
    patches: [{
      file: "src/journal/journal_writer.ts",
      find: "isSealed = this.#isSealed;",
      replace: "isSealed = false;",
    }],
  },
  {
    name: "what was opened unsealed is closed without a seal",
    rule: "a clean close proves the last batch",
    first: "bit rot: reopened",
    patches: [{
      file: "src/recovery/repair.ts",
      find: "const journalEnd = { ...plan, isListed };",
      replace: "const journalEnd = { ...plan, sealed: true, isListed };",
    }],
  },
  {
    name: "a close forgets the batch in progress",
    rule: TAIL,
    first: "promises: a close can leave no tail",
    patches: [{
      file: "src/state/compaction.ts",
      find: "    await this.#writer.exclusive(() => Promise.resolve());\n    if (this.#writer",
      replace: "    if (this.#writer",
    }],
  },
  {
    name: "every close leaves one more snapshot",
    rule: TAIL,
    first: "promises: a close can leave no tail",
    patches: [{
      file: "src/state/compaction.ts",
      find: "      if (deletes && snapshot !== before) await",
      replace: "      if (deletes && snapshot === before) await",
    }],
  },
];
