/**
 * `import`: a JSON file of any size becomes the document, in one step.
 *
 * @module
 */

import { encodeState } from "../src/format/snapshot_encode.ts";
import { StateDirectory } from "../src/journal/state_directory.ts";
import { beginWith, type Begun, isUntouched, refuseStranger } from "../src/recovery/begin_with.ts";
import { type Context, foundJournalName, pause, remark, say, sayJson } from "./context.ts";
import { DOCUMENT_JOURNAL, DOCUMENT_OWNER } from "./document.ts";
import { CommandError, EXIT, interruptedCode } from "./exit.ts";
import { Interrupted, readText, type Source, sourceNamed } from "./input.ts";
import { JsonReader } from "./json_reader.ts";
import { JsonTextError } from "./json_text_error.ts";
import { showProgress } from "./progress.ts";
import { safeText, sizeText } from "./text.ts";

/** How long to work before the system gets a chance to report an interrupt, in milliseconds. */
const TURN_MS = 50;

/** The options of `import`. */
export interface ImportOptions {
  /** Whether to replace the document that is there. */
  replace?: boolean;
}

/** Makes a directory's document of a JSON file, or of standard input. */
export async function importJson(
  context: Context,
  directory: string,
  file: string,
  options: ImportOptions,
): Promise<number> {
  const { terminal } = context;
  const source = sourceNamed(file);
  // First of all: whoever sees the lock, and interrupts, gets the answer of an interrupt.
  const interruption = terminal.interruption();
  const sizeTotal = source.path === null ? null : await terminal.sizeOf(source.path);
  // A state that is there is locked at once: reading the file may take minutes, and would be in vain.
  let held = await holdState(context, directory, options);
  try {
    const value = await readValue(context, source, sizeTotal, interruption);
    // Only now: a file that is refused must not leave an empty directory behind.
    held ??= await makeDirectory(context, directory, options);
    const begun = await write(context, held, value, interruption);
    report(context, begun);
    return EXIT.ok;
  } catch (error) {
    if (!isInterruption(error)) throw error;
    if (context.json) sayJson(context, { imported: false, interrupted: true });
    else remark(context, `Interrupted: nothing was imported, and ${UNCHANGED}`);
    return interruptedCode(interruption);
  } finally {
    await held?.close();
  }
}

const UNCHANGED = "nothing was changed";

/** Our own errors wrap whatever ends the writing of a file. */
function isInterruption(error: unknown): boolean {
  return error instanceof Interrupted || (error as Error).cause instanceof Interrupted;
}

/** Locks the directory if there is a state that may be replaced; `null` when there is none. */
async function holdState(
  context: Context,
  directory: string,
  options: ImportOptions,
): Promise<StateDirectory | null> {
  const name = await foundJournalName(context, directory);
  if (name === null) return null;
  return await lock(context, directory, { name, make: false }, options);
}

/** Locks a directory that held no state, creating it if missing. */
async function makeDirectory(
  context: Context,
  directory: string,
  options: ImportOptions,
): Promise<StateDirectory> {
  // Another process may have begun a state while the file was read.
  const name = await foundJournalName(context, directory) ?? DOCUMENT_JOURNAL;
  return await lock(context, directory, { name, make: true }, options);
}

async function lock(
  { fs }: Context,
  path: string,
  { name, make }: { name: string; make: boolean },
  options: ImportOptions,
): Promise<StateDirectory> {
  const directory = await StateDirectory.openForWriting(fs, path, name, make);
  try {
    const files = await directory.list();
    if (await isUntouched(directory, files)) return directory;
    await refuseStranger(directory, files, DOCUMENT_OWNER);
    if (options.replace) return directory;
    throw new CommandError(
      "STATE_EXISTS",
      `There is a document in "${path}" already, and ${UNCHANGED}: ` +
        "give another directory, or --replace to continue with the file's content in its place",
    );
  } catch (error) {
    await directory.close();
    throw error;
  }
}

async function readValue(
  context: Context,
  source: Source,
  sizeTotal: number | null,
  interruption: AbortSignal,
): Promise<unknown> {
  const reader = new JsonReader();
  let read = 0;
  const hideProgress = await showProgress(context, "read", sizeTotal, () => ({ size: read }));
  try {
    for await (const { text, size } of readText(context, source, interruption)) {
      reader.add(text);
      read += size;
    }
    return reader.end();
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    const message = `Cannot import "${source.name}": ${error.message}; ${UNCHANGED}`;
    throw new CommandError("FILE_REFUSED", message, error, error.place);
  } finally {
    hideProgress();
  }
}

async function write(
  context: Context,
  directory: StateDirectory,
  value: unknown,
  interruption: AbortSignal,
): Promise<Begun> {
  let size = 0;
  const hideProgress = await showProgress(context, "write", null, () => ({ size }));
  let turn = performance.now();
  try {
    return await beginWith(directory, DOCUMENT_OWNER, {
      lines: () => encodeState(value),
      async onPiece(pieceSize) {
        size += pieceSize;
        if (performance.now() - turn < TURN_MS) return;
        await pause(0);
        turn = performance.now();
        if (interruption.aborted) throw new Interrupted(interruption);
      },
    });
  } finally {
    hideProgress();
  }
}

function report(context: Context, { path, size, setAside, stays }: Begun): void {
  if (context.json) {
    sayJson(context, { imported: true, path, sequence: 0, size, setAside, stays });
    return;
  }
  say(context, `${safeText(path)}  sequence 0, ${sizeText(size)}`);
  for (const aside of setAside) say(context, `set aside  ${safeText(aside)}`);
  for (const stuck of stays) {
    say(context, `stays      ${safeText(stuck)}: it is ignored; unmount and run fsck`);
  }
}
