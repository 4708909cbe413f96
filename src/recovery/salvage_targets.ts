/**
 * Finds the segments whose records the journal does not lead to: damaged ones and those after them, and those that
 * repairs have set aside.
 *
 * @module
 */

import { kindOf } from "../disk/header_file.ts";
import { closeFile } from "../disk/close_file.ts";
import { readFully } from "../disk/file_io.ts";
import { listState } from "../disk/list_state.ts";
import { joinPath, QUARANTINES } from "../disk/names.ts";
import { isUnreadable } from "../disk/refusals.ts";
import type { DurableFs } from "../durable_fs.ts";
import { ioError } from "../failures.ts";
import { isCount } from "../format/format.ts";
import { parseJson } from "../format/json_parse.ts";
import { findingsOf } from "./findings.ts";
import { firstNeeded, planOf } from "./plan.ts";
import type { SalvageTarget } from "./salvage.ts";
import { listIfThere } from "./spare_files.ts";
import { type Survey, surveyAll } from "./survey.ts";

/** A segment in a quarantine folder: its name, perhaps with a number after it. */
const SET_ASIDE = /^(.*)-(\d{16})(?:\.(\d+))?\.wal\.jsonl(?:\.(\d+))?$/;

const REPORT = /^lost-from-\d+\.json/;

/** More than a report of 20,000 files takes. */
const REPORT_SIZE_MAX = 16 * 1024 * 1024;

/** What to search, and the journal that it must belong to; `null` when that is not known. */
export interface SalvagePlan {
  id: string | null;
  targets: SalvageTarget[];
}

/** Finds the files to search: those of the state first, then those set aside. */
export async function planSalvage(
  fs: DurableFs,
  directory: string,
  stem: string,
): Promise<SalvagePlan> {
  const files = await listState(fs, directory, stem);
  const survey = await surveyAll(fs, files, { build: true });
  const superseded = files.superseded.filter((file) => kindOf(file) === "journal")
    .map((file): SalvageTarget => ({ file, sequenceFirst: 0, sequenceLast: null }));
  const aside = await setAsideTargets(fs, directory, stem);
  return {
    id: survey.identity?.id ?? null,
    targets: [...damagedTargets(survey), ...superseded, ...aside],
  };
}

/** Segments that a repair would set aside. */
function damagedTargets(survey: Survey): SalvageTarget[] {
  const { segments } = survey.files;
  const plan = planOf(survey);
  const damaged = findingsOf(survey, plan).filter(({ severity }) => severity === "corrupt");
  const paths = new Set([...damaged, ...plan.corruption?.later ?? []].map(({ path }) => path));
  const first = firstNeeded(segments, plan.start.sequence);
  return segments.flatMap((file, index) => {
    if (!paths.has(file.path)) return [];
    const next = segments[index + 1];
    // The journal keeps what comes before the damage, but an unneeded segment is set aside as a whole.
    const sequenceFirst = index >= first ? plan.sequence + 1 : 0;
    return [{ file, sequenceFirst, sequenceLast: next === undefined ? null : next.sequence - 1 }];
  });
}

async function setAsideTargets(
  fs: DurableFs,
  directory: string,
  stem: string,
): Promise<SalvageTarget[]> {
  const targets: SalvageTarget[] = [];
  for (const name of QUARANTINES) {
    const folder = joinPath(directory, name);
    const entries = (await listIfThere(fs, folder)).filter(({ kind }) => kind === "file");
    const lost = new Map<string, number>();
    for (const { name } of entries.filter(({ name }) => REPORT.test(name))) {
      await noteLost(fs, joinPath(folder, name), lost);
    }
    const found = entries.flatMap(({ name }) => {
      const [, owner, digits, edition = "1", number = "1"] = SET_ASIDE.exec(name) ?? [];
      if (owner !== stem) return [];
      const path = joinPath(folder, name);
      const file = { name, path, sequence: Number(digits), edition: Number(edition) };
      return [{ file, number: Number(number) }];
    });
    found.sort((a, b) => a.file.sequence - b.file.sequence || a.number - b.number);
    for (const { file } of found) {
      // A damaged segment is set aside as a whole, and the journal has kept what comes before the damage.
      const sequenceFirst = lost.get(file.name) ?? 0;
      targets.push({ file, sequenceFirst, sequenceLast: null });
    }
  }
  return targets;
}

/** Notes from which sequence on each file that a report names was lost. The directory may have been moved since. */
async function noteLost(fs: DurableFs, path: string, lost: Map<string, number>): Promise<void> {
  const report = parseJson(await readText(fs, path)) as Record<string, unknown> | null | undefined;
  const { sequenceFirst, quarantined } = report ?? {};
  if (!isCount(sequenceFirst) || !Array.isArray(quarantined)) return;
  for (const each of quarantined) {
    const name = String(each);
    lost.set(name.slice(name.lastIndexOf("/") + 1), sequenceFirst);
  }
}

/** Reads a report; one that can't be read says nothing. */
async function readText(fs: DurableFs, path: string): Promise<string> {
  try {
    const file = await fs.open(path, "read");
    try {
      const bytes = new Uint8Array(Math.min(await file.size(), REPORT_SIZE_MAX));
      return new TextDecoder().decode(bytes.subarray(0, await readFully(file, bytes, 0)));
    } finally {
      await closeFile(file, path);
    }
  } catch (error) {
    if (!isUnreadable(error)) throw ioError("read", path, error);
    return "";
  }
}
