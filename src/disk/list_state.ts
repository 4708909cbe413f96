/**
 * Lists a state directory: which of its files count.
 *
 * @module
 */

import type { DurableFs } from "../durable_fs.ts";
import { ioError } from "../failures.ts";
import { NOT_BEGUN } from "../format/format.ts";
import { type Header, isPlaced, kindOf, readHeaderOf } from "./header_file.ts";
import { type EditionFacts, newestEditions } from "./editions.ts";
import { type NamedFile, sortNames, type StateFiles } from "./names.ts";
import { isFilesOwn } from "./refusals.ts";
import { isEmptyFile } from "./sync_file.ts";

/**
 * Lists a state directory. Opens no file where all are of the first edition.
 *
 * @param id the journal's identity, if it is known; otherwise most of the headers decide
 */
export async function listState(
  fs: DurableFs,
  directory: string,
  stem: string,
  id: string | null = null,
): Promise<StateFiles> {
  try {
    const sorted = sortNames(directory, stem, await fs.list(directory));
    const all = [...sorted.segments, ...sorted.snapshots];
    const later = all.filter(({ edition }) => edition > 1);
    // No segment takes over from a snapshot of sequence 0: only its header says that it is another journal's.
    const telling = all.filter(({ edition, sequence }) => edition > 1 || sequence === 0);
    const empty = new Set<NamedFile>();
    const headers = new Map<NamedFile, Header>();
    const refused = new Map<string, unknown>();
    for (const file of later.length === 0 ? later : id === null ? all : telling) {
      const header = await headerIfSound(fs, file, refused);
      if (header === "empty") empty.add(file);
      else if (header !== null) headers.set(file, header);
    }
    const { ids, votes } = id === null ? leadingIds(headers) : { ids: [id], votes: Infinity };
    // They could have outvoted it.
    const [refusal] = refused.values();
    if (refusal !== undefined && refused.size >= votes) throw refusal;
    const files = newestEditions(sorted, judge(empty, headers, ids));
    // A superseded file is not needed, so it is no obstacle either.
    for (const { path } of [...files.segments, ...files.snapshots]) {
      if (refused.has(path)) throw refused.get(path);
    }
    return files;
  } catch (error) {
    throw ioError("list", directory, error);
  }
}

/** Finds out from the headers of files of later editions which of them are strange, and where editions began. */
function judge(
  empty: ReadonlySet<NamedFile>,
  headers: ReadonlyMap<NamedFile, Header>,
  [id, ...others]: string[],
): EditionFacts {
  const strange = new Set<NamedFile>();
  const begun = new Map<number, number>();
  if (others.length > 0) return { empty, strange, contested: true, begun, idRenewed: false };
  const all = [...headers];
  const idRenewed = all.some(([file, header]) => isOfRenewed(file, header) && header.id === id);
  for (const [file, header] of all) {
    if (file.edition === 1) {
      if (idRenewed && header.id !== id) strange.add(file);
      continue;
    }
    const { edition = 1, editionFirsts = [] } = header;
    const isCopy = edition !== file.edition;
    const isForeign = header.id !== id;
    if (isForeign || isCopy && header.ministate === "snapshot") strange.add(file);
    if (isForeign || isCopy) continue;
    for (const [index, first] of editionFirsts.toReversed().entries()) {
      const at = edition - index;
      begun.set(at, Math.min(begun.get(at) ?? NOT_BEGUN, first));
    }
  }
  return { empty, strange, contested: false, begun, idRenewed };
}

/**
 * The journal that most headers name, and how many do; several on a tie. As in an identity, a file whose name doesn't
 * match its header counts only if there is no other.
 */
function leadingIds(
  headers: ReadonlyMap<NamedFile, Header>,
): { ids: string[]; votes: number } {
  const all = [...headers];
  const placed = all.filter(([file, header]) => isPlaced(header, file));
  // Its id was drawn when those of earlier files could not be read, so theirs are no evidence against it.
  const renewed = placed.filter(([file, header]) => isOfRenewed(file, header));
  const [newest] = renewed.sort(([a], [b]) => b.edition - a.edition);
  if (newest !== undefined) return { ids: [newest[1].id], votes: Infinity };
  const counts = new Map<string, number>();
  for (const [, { id }] of placed.length > 0 ? placed : all) {
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const votes = Math.max(0, ...counts.values());
  return { ids: [...counts.keys()].filter((id) => counts.get(id) === votes), votes };
}

/** Whether a file is of the edition in its name, and says that the journal's id was drawn again. */
function isOfRenewed(file: NamedFile, { edition, idRenewed }: Header): boolean {
  return idRenewed === true && edition === file.edition;
}

/** A file's header; `null` when it is unsound or can't be read, or when the file is gone. */
async function headerIfSound(
  fs: DurableFs,
  file: NamedFile,
  refused: Map<string, unknown>,
): Promise<Header | "empty" | null> {
  try {
    const kind = kindOf(file);
    const reading = await readHeaderOf(fs, file, kind);
    if (reading.kind === "sound") return reading.header;
    const mayBeEmpty = reading.kind === "damaged" && kind === "journal" && file.edition > 1;
    return mayBeEmpty && await isEmptyFile(fs, file.path) ? "empty" : null;
  } catch (error) {
    if (!isFilesOwn(error)) refused.set(file.path, error);
    return null;
  }
}
