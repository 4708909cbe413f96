/**
 * Opens a state: loads the newest sound snapshot, then runs the journal after it through the mutator.
 *
 * @module
 */

import { closeAfterFailure } from "../disk/close_file.ts";
import { type Mutator, type Reducer, StateMachine } from "./mutator.ts";
import type { StateManagerSettings } from "../options.ts";
import { checkIdentity, readIdentity } from "../recovery/identity.ts";
import { recover, type Recovered } from "../recovery/recovery.ts";
import { readSteadily } from "../recovery/read_steadily.ts";
import { restoreNewest } from "../recovery/snapshot_restore.ts";
import type { SnapshotInfo } from "../snapshot/snapshot_file.ts";
import { StateDirectory } from "../journal/state_directory.ts";

/** Everything that `open` passes to the instance it creates. */
export interface OpenedState<S, M, R> {
  directory: StateDirectory;
  settings: StateManagerSettings;
  machine: StateMachine<S, M, R>;
  recovered: Recovered;
  snapshot: SnapshotInfo | null;
}

/** Opens the directory and recovers the state. */
export async function openState<S, M, R>(
  directory: string,
  name: string,
  mutator: Mutator<S, M, R> | Reducer<S, M>,
  settings: StateManagerSettings,
): Promise<OpenedState<S, M, R>> {
  // First, so that a faulty mutator is found before anything is created.
  const machine = new StateMachine<S, M, R>(mutator);
  const opened = await StateDirectory.open(settings.fs, directory, name, settings);
  try {
    return await recoverState(opened, settings, machine);
  } catch (error) {
    await closeAfterFailure(opened);
    throw error;
  }
}

/** Recovers the state. A reader of a live writer's directory tries again when files change during the read. */
function recoverState<S, M, R>(
  directory: StateDirectory,
  settings: StateManagerSettings,
  machine: StateMachine<S, M, R>,
): Promise<OpenedState<S, M, R>> {
  let isFresh = true;
  return readSteadily(settings.readOnly, () => {
    const own = isFresh ? machine : machine.fresh();
    isFresh = false;
    return recoverOnce(directory, settings, own);
  });
}

async function recoverOnce<S, M, R>(
  directory: StateDirectory,
  settings: StateManagerSettings,
  machine: StateMachine<S, M, R>,
): Promise<OpenedState<S, M, R>> {
  const files = await directory.listOpened(settings);
  const stored = await readIdentity(directory.fs, files);
  checkIdentity(stored, machine, directory.path);
  const { found, rotten } = await restoreNewest(directory.fs, files, stored?.id ?? null);
  if (found !== null) machine.restore(found.state, found.header.version, found.named.sequence);
  const base = { sequence: found?.named.sequence ?? 0, snapshot: found?.named ?? null, rotten };
  const recovered = await recover(
    directory,
    settings,
    files,
    stored,
    machine,
    base,
    {
      consume: (batch, header) => {
        const { sequenceFirst, timestamp, mutations } = batch;
        for (let i = Math.max(0, base.sequence + 1 - sequenceFirst); i < mutations.length; i++) {
          machine.replay(sequenceFirst + i, timestamp, mutations[i], header.version);
        }
      },
      settle: () => {
        const versionFrom = stored?.version ?? machine.version;
        if (versionFrom !== machine.version) machine.checkCarriedOver(versionFrom);
      },
    },
  );
  // A snapshot of an older version is not a snapshot of this state, even if the sequence is the same.
  const snapshot = found === null || found.header.version !== machine.version
    ? null
    : { path: found.named.path, sequence: found.named.sequence, size: found.size };
  return { directory, settings, machine, recovered, snapshot };
}
