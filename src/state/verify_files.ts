/**
 * Verifies the history of an open state, or of a directory that another program may be writing.
 *
 * @module
 */

import { closeAfterFailure } from "../disk/close_file.ts";
import { listState } from "../disk/list_state.ts";
import type { DurableFs } from "../durable_fs.ts";
import { HistoryGoneError } from "../errors.ts";
import type { SegmentHeader } from "../format/format.ts";
import type { SequenceSpan } from "../format/ranges.ts";
import type { Batch } from "../format/scan.ts";
import { limitAt, type ReadLimit } from "../journal/journal_cursor.ts";
import { JournalFiles } from "../journal/journal_files.ts";
import { StateDirectory } from "../journal/state_directory.ts";
import { stateManagerSettings } from "../options.ts";
import { readSteadily } from "../recovery/read_steadily.ts";
import {
  noInitialState,
  recover,
  type Recovered,
  type RecoveryReplay,
} from "../recovery/recovery.ts";
import { holdFiles } from "./held_files.ts";
import type { RunnableMutator, RunnableReducer } from "./types.ts";
import { StateMachine } from "./state_machine.ts";
import { type LiveState, type UndecidedBatch, verifyHistory } from "./verify.ts";
import type { VerifyReport } from "./verify_report.ts";

/** How many times to begin again after a writer in another process has deleted what was to be read. */
const ATTEMPTS = 5;

/** Verifies an open state. Nothing in this process may delete files meanwhile. */
export async function verifyOpened<S, M, R>(
  directory: StateDirectory,
  machine: StateMachine<S, M, R>,
  { writer, refused }: Recovered,
): Promise<VerifyReport> {
  const verify = async (files: JournalFiles, atRest: LiveState["atRest"]) =>
    await verifyHistory({
      files,
      fresh: () => machine.fresh(),
      end: await atRest((end) => Promise.resolve(end)),
      undecided: null,
      live: { atRest, state: () => machine.state },
      versionFrom: null,
    });
  if (writer !== null) {
    return await directory.files.read(() =>
      verify(directory.files, (task) => writer.exclusive(() => task(writer.limit)))
    );
  }
  const end: ReadLimit = limitAt(machine.sequence, refused);
  return await withHeldFiles(directory, (files) => verify(files, (task) => task(end)));
}

/**
 * Verifies what a program makes of a directory that it has not opened. Without the lock, and nothing is changed.
 *
 * @throws {NoStateError} when there is no state
 * @throws {ForeignFormatError} when it belongs to another mutator
 * @throws {TooNewError} when a newer version wrote it
 * @throws {CorruptionError} when acknowledged bytes are damaged
 * @throws {TypeError} when the mutator is invalid
 */
export async function verifyDirectory<S, M, R>(
  fs: DurableFs,
  path: string,
  name: string,
  mutator: RunnableMutator<S, M, R> | RunnableReducer<S, M>,
): Promise<VerifyReport> {
  const machine = new StateMachine(mutator);
  const settings = stateManagerSettings({ readOnly: true, create: false }, fs);
  const directory = await StateDirectory.open(fs, path, name, settings);
  try {
    const report = await verifyFiles(directory, machine, settings);
    await directory.close();
    return report;
  } catch (error) {
    await closeAfterFailure(directory);
    throw error;
  }
}

async function verifyFiles<S, M, R>(
  directory: StateDirectory,
  machine: StateMachine<S, M, R>,
  settings: ReturnType<typeof stateManagerSettings>,
): Promise<VerifyReport> {
  const { name, version } = machine;
  const opener = { name, version, onTooNew: settings.onTooNew };
  for (let attempt = 1;; attempt++) {
    let last = new LastBatch();
    const { report: { sequence, migratedFrom } } = await readSteadily(true, () => {
      last = new LastBatch();
      return recover(directory, settings, opener, last);
    });
    const { undecided } = last;
    const end = limitAt(undecided === null ? sequence : undecided.batch.sequenceFirst - 1);
    try {
      return await withHeldFiles(directory, (files) =>
        verifyHistory({
          files,
          fresh: () => machine.fresh(),
          end,
          undecided,
          live: null,
          versionFrom: migratedFrom,
        }));
    } catch (error) {
      if (!(error instanceof HistoryGoneError) || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Keeps files readable while a writer in another process deletes them. */
async function withHeldFiles<T>(
  { fs, path, stem, files: { id }, files }: StateDirectory,
  use: (files: JournalFiles) => Promise<T>,
): Promise<T> {
  return await files.read(async () => {
    const held = await holdFiles(fs, path, stem);
    try {
      const kept = new JournalFiles(held.fs, () => listState(held.fs, path, stem, id));
      kept.belongTo(id);
      return await use(kept);
    } finally {
      await held.release();
    }
  });
}

/** Keeps only the last batch of a recovery, if no line records its outcome. */
class LastBatch implements RecoveryReplay {
  undecided: UndecidedBatch | null = null;
  readonly initialLines = noInitialState;

  restore(): void {}

  begin(): void {}

  consume(batch: Batch, { version }: SegmentHeader): void {
    this.undecided = { batch, version };
  }

  decide(): void {
    this.undecided = null;
  }

  settle(): SequenceSpan[] {
    return [];
  }
}
