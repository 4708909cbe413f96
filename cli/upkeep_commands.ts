/**
 * `snapshot`, `compact` and `backup`, as in the API.
 *
 * @module
 */

import { backupState } from "../src/state/backup.ts";
import { CorruptionError } from "../src/errors.ts";
import { type Context, openDocument, say, sayJson } from "./context.ts";
import { copyState, refuseState } from "./copy_state.ts";
import { EXIT } from "./exit.ts";
import { inspectSteadily } from "./steady.ts";
import { countText, safeText, sizeText } from "./text.ts";

/** Writes a snapshot, and like every compaction deletes files that it makes unneeded. */
export async function snapshot(context: Context, directory: string): Promise<number> {
  const manager = await openDocument(context, directory, false);
  try {
    const info = await manager.createSnapshot();
    if (context.json) sayJson(context, info);
    else say(context, `${safeText(info.path)}  sequence ${info.sequence}, ${sizeText(info.size)}`);
    return EXIT.ok;
  } finally {
    await manager.close();
  }
}

/** The same, and says which files were deleted. */
export async function compact(context: Context, directory: string): Promise<number> {
  const manager = await openDocument(context, directory, false);
  try {
    const report = await manager.compact();
    if (context.json) {
      sayJson(context, report);
      return EXIT.ok;
    }
    const { path, sequence, size } = report.snapshot;
    say(context, `${safeText(path)}  sequence ${sequence}, ${sizeText(size)}`);
    for (const deleted of report.deleted) say(context, `deleted  ${safeText(deleted)}`);
    if (report.deleted.length === 0) {
      say(context, "Nothing to delete yet: the journal since the older of two snapshots is kept");
    }
    return EXIT.ok;
  } finally {
    await manager.close();
  }
}

/** Copies any state directory, even while another process writes it. */
export async function backup(
  context: Context,
  directory: string,
  destination: string,
): Promise<number> {
  await refuseState(context, destination);
  const report = await copyState(context, directory, destination, async (held, source) => {
    await refuseLoss(held, source.path);
    return await backupState(source, destination, null);
  });
  if (context.json) sayJson(context, report);
  else {
    const copied = `${countText(report.files, "file")}, ${sizeText(report.size)}`;
    say(context, `${safeText(destination)}  up to sequence ${report.sequence}, ${copied}`);
  }
  return EXIT.ok;
}

/** Refuses to copy a state that a repair would not keep in full. */
async function refuseLoss(context: Context, directory: string): Promise<void> {
  const { nextOpen, findings } = await inspectSteadily(context, directory);
  if (nextOpen.outcome !== "refuse" || nextOpen.lost === null) return;
  const finding = findings.find(({ severity, needed }) => severity === "corrupt" && needed)!;
  throw new CorruptionError(
    `Cannot back up "${directory}": ${finding.reason}: a copy would lose acknowledged mutations; ` +
      'run "ministate verify" to see them, "cp -r" to keep the files as they are',
    { path: finding.path, offset: finding.offset ?? undefined, lost: nextOpen.lost },
  );
}
