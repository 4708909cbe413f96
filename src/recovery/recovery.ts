/**
 * The path of an open: survey the directory, plan, and carry the plan out. Anything in the caller's program that can
 * fail runs before the first change.
 *
 * @module
 */

import { editionOf } from "../disk/editions.ts";
import type { StateFiles } from "../disk/names.ts";
import { holdsState } from "../disk/state_presence.ts";
import { IoError } from "../errors.ts";
import { drawId, type JournalIdentity } from "../journal/journal_identity.ts";
import type { JournalWriter } from "../journal/journal_writer.ts";
import type { SequenceSpan } from "../format/ranges.ts";
import type { StateDirectory } from "../journal/state_directory.ts";
import type { JournalSettings } from "../options.ts";
import { WriteCounter } from "../wear/stats.ts";
import { corruptionError, isGap, isNewer } from "./corruption.ts";
import { coverLast } from "./cover_last.ts";
import { checkIdentity, contestedError, readIdentity } from "./identity.ts";
import { type Plan, planOf } from "./plan.ts";
import { foreseen, repair } from "./repair.ts";
import type { RecoveryReport } from "./report.ts";
import { type Replay, type Survey, surveyAll, surveyForReplay } from "./survey.ts";

/** Who opens a journal: the mutator's name and version. */
export interface Opener {
  name: string | null;
  version: number;
  /** What to do with files of a later version. */
  onTooNew: "fail" | "setAside";
}

/** What a recovery passes to the program that opens the state. */
export interface RecoveryReplay extends Replay {
  /**
   * Called once all records were consumed, before anything is written. If it throws, recovery ends with the directory
   * unchanged.
   *
   * @param version the version of the mutator that wrote the journal; `null` for a new one
   * @returns the mutations of the last batch that the program refuses, if no line says what became of them; `null` when
   * there is no program that could run it
   */
  settle(version: number | null): readonly SequenceSpan[] | null;
  /** The lines of the initial state, for a journal that is begun; `null` when there is no state. */
  initialLines(): Iterable<string> | null;
}

/** The `initialLines` of an opener that keeps no state. */
export function noInitialState(): null {
  return null;
}

/** The result of a recovery. */
export interface Recovered {
  report: RecoveryReport;
  files: StateFiles;
  /** How many bytes of the journal were replayed. */
  bytesRead: number;
  /** `null` when opened for reading. */
  writer: JournalWriter | null;
  writeCounter: WriteCounter;
  /** The mutations of the last batch that were refused; `null` when that isn't known. */
  refused: readonly SequenceSpan[] | null;
}

/**
 * Recovers a journal, passing its newest sound snapshot and every sound batch after it to `replay`, and makes it ready
 * for writing.
 *
 * @param opener who opens it; `null` accepts any journal
 * @throws {CorruptionError} when acknowledged bytes are damaged and `onCorruption` is `"fail"`; nothing was changed
 * @throws {ForeignFormatError} when the directory belongs to another mutator or holds another journal
 * @throws {TooNewError} when a newer version wrote it
 * @throws {IoError} when the operating system refuses
 */
export async function recover(
  directory: StateDirectory,
  settings: JournalSettings,
  opener: Opener | null,
  replay: RecoveryReplay,
): Promise<Recovered> {
  const { fs } = directory;
  const files = await directory.listOpened(settings);
  const stored = await readIdentity(fs, files, usedUpTo(opener)) ?? await readIdentity(fs, files);
  if (opener !== null) checkIdentity(stored, opener, directory.path);
  const isStrict = settings.onCorruption === "fail";
  if (stored?.contested && isStrict) throw contestedError(directory.path);
  const survey = await surveyForReplay(fs, files, stored, replay);
  const plan = planOf(survey);
  if (settings.readOnly && plan.corruption === null) await coverLast(fs, files, plan.end);
  refuseHidden(survey, plan);
  const { corruption } = plan;
  if (corruption !== null && isGap(corruption)) await refuseCompacted(directory, files, opener);
  if (corruption !== null && isStrict && !isNewer(corruption)) throw corruptionError(corruption);
  const settled = replay.settle(stored?.version ?? null);
  const refused = survey.refused ?? settled;
  const wanted = opener ?? { name: stored?.mutator ?? null, version: stored?.version ?? 1 };
  const writeCounter = new WriteCounter(plan.written, directory.written);
  writeCounter.compactionFailure = plan.compactionFailure;
  const { bytesRead } = plan;
  const isUpdate = stored !== null && stored.version !== wanted.version;
  const common = {
    snapshot: startOf(plan),
    replayed: plan.sequence - plan.start.sequence,
    sequence: plan.sequence,
    segmentsRead: plan.segmentsRead,
    sealed: plan.sealed,
    placeChecked: directory.placeChecked,
    lockFileDamage: directory.lockFileDamage,
    migratedFrom: isUpdate ? stored.version : null,
  };
  if (settings.readOnly) {
    directory.files.belongTo(stored?.id ?? null);
    const report = { ...common, created: false, ...foreseen(survey, plan) };
    return { report, files, bytesRead, writer: null, writeCounter, refused };
  }
  const identity: JournalIdentity = {
    directory: directory.path,
    stem: directory.stem,
    edition: editionOf(files),
    editionFirsts: files.editionFirsts,
    idRenewed: files.idRenewed || (stored?.idRenewed ?? holdsState(files)),
    id: stored?.id ?? drawId(),
    mutator: wanted.name,
    version: wanted.version,
  };
  directory.files.belongTo(identity.id);
  const { writer, ...done } = await repair(
    directory,
    { ...settings, fs, writeCounter, initial: () => replay.initialLines() },
    survey,
    { ...plan, refused },
    identity,
  );
  const report = { ...common, created: !holdsState(files), ...done };
  return { report, files, bytesRead, writer, writeCounter, refused };
}

function usedUpTo(opener: Opener | null): number {
  return opener?.onTooNew === "setAside" ? opener.version : Infinity;
}

/**
 * Part of an older program's past is missing when a newer one's compaction has begun to delete it. Nothing is
 * damaged then, and so nothing may be set aside.
 *
 * @throws {TooNewError} when that is the case
 */
async function refuseCompacted(
  { fs, path }: StateDirectory,
  files: StateFiles,
  opener: Opener | null,
): Promise<void> {
  if (opener?.onTooNew !== "setAside") return;
  const { corruption } = planOf(await surveyAll(fs, files, { build: false }));
  if (corruption === null) checkIdentity(await readIdentity(fs, files), opener, path);
}

/** A snapshot that the disk can't read now may be readable next time, so don't declare everything lost because of it. */
function refuseHidden({ snapshots }: Survey, { corruption }: Plan): void {
  if (corruption === null || corruption.damaged !== null) return;
  const refusal = snapshots.findLast(({ failure }) => failure instanceof IoError)?.failure;
  if (refusal) throw refusal;
}

function startOf({ start: { snapshot, sequence } }: Plan): RecoveryReport["snapshot"] {
  return snapshot === null ? null : { path: snapshot.path, sequence };
}
