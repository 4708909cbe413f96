/**
 * Reads the state in any directory: the document, and that of a program as far as its snapshots hold it, or whole with
 * the program's own mutator.
 *
 * @module
 */

import { type Mutator, StateManager } from "../mod.ts";
import { listState } from "../src/disk/list_state.ts";
import { type NamedFile, type StateFiles, stemOf } from "../src/disk/names.ts";
import type { DurableFs } from "../src/durable_fs.ts";
import { MinistateError } from "../src/errors.ts";
import { SegmentReader } from "../src/journal/segment_reader.ts";
import { readIdentity, type StoredIdentity } from "../src/recovery/identity.ts";
import { readNewestSnapshot } from "../src/recovery/snapshot_facts.ts";
import { readInitial } from "../src/snapshot/initial_state.ts";
import { type Context, journalNameIn, openNamedDocument, remark } from "./context.ts";
import { documentMutator } from "./document.ts";
import { CommandError } from "./exit.ts";
import type { AnyMutator } from "./import_mutator.ts";
import { inspectSteadily } from "./steady.ts";
import { countText, safeText } from "./text.ts";

/** How many times to look again after a compaction has deleted the snapshot that was about to be read. */
const ATTEMPTS = 5;

const READ = { readOnly: true, create: false };

/** A state, and the sequence after which it was like that. */
export interface AnyState {
  state: unknown;
  sequence: number;
}

/**
 * Reads the state that a directory holds, without the lock.
 *
 * @param mutator replays the program's mutations; `null` for what can be read without it
 * @throws {CommandError} `NO_STATE` when there is none, `NO_SNAPSHOT` when only its program can tell
 */
export async function readAnyState(
  context: Context,
  directory: string,
  mutator: AnyMutator | null,
): Promise<AnyState> {
  const name = await journalNameIn(context, directory);
  if (mutator !== null) {
    const options = { ...READ, fs: context.fs };
    const opened = StateManager.open(
      directory,
      name,
      mutator as Mutator<unknown, unknown>,
      options,
    );
    return await stateOf(await opened);
  }
  let identity: StoredIdentity | null = null;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const files = await listState(context.fs, directory, stemOf(name));
    identity = await readIdentity(context.fs, files);
    if (identity?.mutator === documentMutator.name) break;
    const kept = identity === null ? null : await readKept(context.fs, files, identity.id);
    if (kept === null) continue;
    await explainLater(context, directory, kept, identity!);
    return kept;
  }
  if (identity !== null && identity.mutator !== documentMutator.name) {
    throw noSnapshot(directory, identity);
  }
  // Where no header can be read, this says why.
  return await stateOf(await openNamedDocument(context, directory, name, READ));
}

async function stateOf<M, R>(manager: StateManager<unknown, M, R>): Promise<AnyState> {
  const { state, sequence } = manager;
  await manager.close();
  return { state, sequence };
}

/**
 * The newest state that the files hold: a snapshot, or what the journal began with. `null` when there is none, or a
 * compaction has just deleted what was listed: then there is a newer one.
 */
async function readKept(fs: DurableFs, files: StateFiles, id: string): Promise<AnyState | null> {
  const { found } = await readNewestSnapshot(fs, files, id);
  if (found !== null) return { state: found.state, sequence: found.file.sequence };
  const first = files.segments.find(({ sequence }) => sequence === 1);
  return first === undefined ? null : await readBeginning(fs, first);
}

/** The state that a program began with; `null` when the journal holds none, as that of a `Journal`. */
async function readBeginning(fs: DurableFs, first: NamedFile): Promise<AnyState | null> {
  try {
    const reader = await SegmentReader.open(fs, first);
    try {
      if (reader.header.initial === undefined) return null;
      return { state: await readInitial(fs, reader), sequence: 0 };
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (error instanceof MinistateError && error.systemCode === "ENOENT") return null;
    throw error;
  }
}

function noSnapshot(directory: string, { mutator }: StoredIdentity): CommandError {
  const writer = mutator === null ? "Its program" : `The program "${safeText(mutator)}"`;
  return new CommandError(
    "NO_SNAPSHOT",
    `There is no snapshot in "${directory}" that can be read. ${writer} can make the state of the mutations: ` +
      'name it with --mutator FILE, or run "ministate log" to see them',
  );
}

/** Says what a person would not expect of a state that was printed without its program. */
async function explainLater(
  context: Context,
  directory: string,
  { sequence }: AnyState,
  { mutator }: StoredIdentity,
): Promise<void> {
  const { nextOpen } = await inspectSteadily(context, directory);
  const later = nextOpen.sequence - sequence;
  if (later <= 0) return;
  const writer = mutator === null ? "its program" : `the program "${safeText(mutator)}"`;
  const what = sequence === 0 ? "the initial state" : `the snapshot of sequence ${sequence}`;
  remark(
    context,
    `This is ${what}: ${countText(later, "later mutation")} of ${writer} ` +
      `${later === 1 ? "is" : "are"} not in it; --mutator FILE replays ${
        later === 1 ? "it" : "them"
      }`,
  );
}
