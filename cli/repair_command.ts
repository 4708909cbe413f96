/**
 * `repair`: continues without damaged records, once the user has seen what that costs. Works for every mutator.
 *
 * @module
 */

import { setUnnamedAside, type Unnamed } from "../src/recovery/aside_unnamed.ts";
import { inspectState } from "../src/recovery/inspect.ts";
import { Journal } from "../journal.ts";
import type { Finding, Inspection } from "../src/recovery/inspection.ts";
import { listState } from "../src/disk/list_state.ts";
import { joinPath, type NamedFile, QUARANTINES, stemOf } from "../src/disk/names.ts";
import { moveUnneeded } from "../src/recovery/quarantine_folder.ts";
import { isNameStuck } from "../src/disk/file_io.ts";
import { isMetadataDamaged, isStuck } from "../src/disk/refusals.ts";
import { StateDirectory } from "../src/journal/state_directory.ts";
import { type Context, remark, say, sayJson } from "./context.ts";
import { EXIT, usageError } from "./exit.ts";
import { findingText } from "./inspect_verify.ts";
import { readInputLines } from "./lines.ts";
import { salvageTo, showSalvaged } from "./salvage.ts";
import { inspectSteadily } from "./steady.ts";
import { rangeText, safeText } from "./text.ts";

/** Shows what would be kept and lost, asks, and repairs. */
export async function repair(
  context: Context,
  directory: string,
  options: { yes?: boolean; salvage?: string },
): Promise<number> {
  const inspection = await inspectSteadily(context, directory);
  const { nextOpen, journal } = inspection;
  // First: it changes nothing in the directory, and should there be no repair, the records are safe all the same.
  const salvaged = options.salvage === undefined
    ? undefined
    : await salvageTo(context, directory, journal, options.salvage);
  if (salvaged !== undefined && !context.json) showSalvaged(context, salvaged);
  if (inspection.verdict === "sound") {
    if (context.json) sayJson(context, { repaired: false, sequence: nextOpen.sequence, salvaged });
    else say(context, `Nothing to repair: sound up to sequence ${nextOpen.sequence}`);
    return EXIT.ok;
  }
  if (!context.json) {
    showPlan(context, inspection);
    say(context, await folderText(context, directory));
  }
  if (!options.yes && !await isConfirmed(context, salvaged !== undefined)) {
    if (context.json) sayJson(context, { repaired: false, sequence: nextOpen.sequence, salvaged });
    remark(context, "Nothing was changed");
    return EXIT.incomplete;
  }
  const done = await repairState(context, inspection);
  const isEmpty = !done.kept && done.stays.length === 0;
  const verdict = isEmpty ? null : (await inspectSteadily(context, directory)).verdict;
  const outcome = { repaired: true, ...done, verdict, salvaged };
  if (context.json) sayJson(context, outcome);
  else showOutcome(context, done);
  return verdict === "sound" || isEmpty ? EXIT.ok : EXIT.corrupt;
}

function showPlan(context: Context, { findings, nextOpen, id }: Inspection): void {
  const { paint } = context;
  for (const finding of findings) say(context, findingText(finding, paint));
  say(
    context,
    id === null
      ? `${paint.green("keeps")}  nothing: no file shows any longer whose state it was`
      : `${paint.green("keeps")}  the state up to sequence ${nextOpen.sequence}`,
  );
  const { lost, torn } = nextOpen;
  const loses = lost !== null
    ? `sequence ${rangeText(lost.sequenceFirst, lost.sequenceLast)}`
    : torn !== null
    ? `${torn.size} bytes of torn tail that were never acknowledged`
    : "nothing: other snapshots and the journal replace what is damaged";
  say(context, `${paint.red("loses")}  ${loses}`);
}

/** Where the damaged files will be: in the first folder that is not damaged itself. */
async function folderText({ fs }: Context, directory: string): Promise<string> {
  for (const name of QUARANTINES) {
    const folder = joinPath(directory, name);
    try {
      await fs.list(folder);
    } catch (error) {
      if (isMetadataDamaged(error) || await isNameStuck(fs, folder, error)) continue;
      // It is made if it is missing. If it can't be, the repair says so.
    }
    return `The damaged files are kept in the folder "${name}" of the state directory`;
  }
  return "The damaged files can't be kept: no quarantine folder can be used before fsck has run";
}

function showOutcome(context: Context, { setAside, stays, kept, sequence }: Repaired): void {
  const { paint } = context;
  for (const path of setAside) say(context, `set aside  ${safeText(path)}`);
  for (const path of stays) {
    say(context, `stays      ${safeText(path)}: its inode is damaged; unmount and run fsck`);
  }
  if (kept) {
    say(context, `${paint.green("repaired")}: the state continues from sequence ${sequence}`);
  } else if (stays.length === 0) {
    const next = "the next program to open it begins a new state";
    say(context, `${paint.green("repaired")}: nothing could be kept: ${next}`);
  } else {
    say(context, `${paint.red("not repaired")}: run "ministate repair" again after fsck`);
  }
}

/** @param hasSalvaged whether something was done already, so that a repair that can't be confirmed is no error */
async function isConfirmed(context: Context, hasSalvaged: boolean): Promise<boolean> {
  const { terminal } = context;
  if (!terminal.stdinIsTerminal || !terminal.stderr.isTerminal || context.json) {
    if (hasSalvaged) return false;
    throw usageError(
      "A repair must be confirmed: run it on a terminal, or with --yes; nothing was changed",
    );
  }
  terminal.stderr.write("Repair now? [y/N] ");
  for await (const lines of readInputLines(terminal.read(null), 1024)) {
    return /^\s*y(es)?\s*$/i.test(lines[0]!.text);
  }
  return false;
}

interface Repaired {
  /** Whether there is a journal to continue with. */
  kept: boolean;
  sequence: number;
  lost: { sequenceFirst: number; sequenceLast: number | null } | null;
  setAside: string[];
  /** Files that only fsck can move away; nothing depends on them. */
  stays: string[];
}

async function repairState(context: Context, inspection: Inspection): Promise<Repaired> {
  const unnamed = inspection.id === null ? await repairUnnamed(context, inspection) : null;
  return unnamed === null
    ? await repairJournal(context, inspection)
    : { kept: false, sequence: 0, ...unnamed };
}

/** Does nothing and returns `null` when, under the lock, a file does show whose state it is. */
async function repairUnnamed(
  { fs }: Context,
  { directory: path, journal: name }: Inspection,
): Promise<Unnamed | null> {
  const directory = await StateDirectory.openForWriting(fs, path, name, false);
  try {
    const inspection = await inspectState(fs, path, name);
    return inspection.id === null ? await setUnnamedAside(directory, inspection) : null;
  } finally {
    await directory.close();
  }
}

/** The journal alone knows how: it needs no mutator, and keeps the name and version of the one that wrote it. */
async function repairJournal(context: Context, inspection: Inspection): Promise<Repaired> {
  const { fs } = context;
  const { directory, journal: name } = inspection;
  const journal = await Journal.open(directory, name, {
    fs,
    onCorruption: "quarantine",
    create: false,
  });
  try {
    const { torn, lost, snapshotsSkipped, superseded } = journal.recovery;
    const stays = [...superseded];
    const setAside = [...lost?.quarantined ?? [], ...snapshotsSkipped.map(({ path }) => path)];
    if (torn?.keptAt) setAside.push(torn.keptAt);
    // Files that the open had no need to read are still damaged. The journal holds the lock during this.
    const opened = await StateDirectory.openForReading(fs, directory, name);
    for (
      const { path, error } of await moveUnneeded(opened, await stillThere(context, inspection))
    ) {
      if (error === null) setAside.push(path);
      else if (isStuck(error)) stays.push(path);
      else throw error;
    }
    const range = lost === null
      ? null
      : { sequenceFirst: lost.sequenceFirst, sequenceLast: lost.sequenceLast };
    return { kept: true, sequence: journal.sequence, lost: range, setAside, stays };
  } finally {
    await journal.close();
  }
}

/** The damaged files that the open didn't depend on, and so didn't touch. */
async function stillThere(context: Context, inspection: Inspection): Promise<NamedFile[]> {
  const unneeded = ({ severity, needed }: Finding) => severity === "corrupt" && !needed;
  const paths = inspection.findings.filter(unneeded).map(({ path }) => path);
  const stem = stemOf(inspection.journal);
  const { segments, snapshots } = await listState(context.fs, inspection.directory, stem);
  return [...segments, ...snapshots].filter(({ path }) => paths.includes(path));
}
