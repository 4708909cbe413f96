/**
 * `export`: writes the state as one JSON text of any size, to standard output or to a file.
 *
 * @module
 */

import { ioError } from "../src/failures.ts";
import { type AnyState, readAnyState } from "./any_state.ts";
import { type Context, pause, remark, say, sayJson } from "./context.ts";
import { CommandError, EXIT, interruptedCode, usageError } from "./exit.ts";
import { mutatorOf, type MutatorOptions } from "./import_mutator.ts";
import { jsonPieces } from "./json_writer.ts";
import { folderOf, NewFile } from "./new_file.ts";
import { showProgress } from "./progress.ts";
import { safeText, sizeText } from "./text.ts";

/** How much output may wait for a slow reader, in characters. */
const OUTPUT_WAITING_MAX = 256 * 1024;

/** How long to work before the system gets a chance to report an interrupt, in milliseconds. */
const TURN_MS = 50;

/** The options of `export`. */
export interface ExportOptions extends MutatorOptions {
  /** Whether to replace the file that is there. */
  replace?: boolean;
}

/** Writes the state that a directory holds. */
export async function exportJson(
  context: Context,
  directory: string,
  file: string,
  options: ExportOptions,
): Promise<number> {
  if (file !== "-") await refuseFile(context, directory, file, options);
  const interruption = context.terminal.interruption();
  const mutator = await mutatorOf(context, directory, options);
  const state = await readAnyState(context, directory, mutator);
  if (file === "-") return await print(context, state, interruption);
  const size = await writeFile(context, file, state, interruption);
  if (size === null) {
    if (context.json) sayJson(context, { exported: false, interrupted: true });
    else remark(context, `Interrupted: "${safeText(file)}" was not written`);
    return interruptedCode(interruption);
  }
  const { sequence } = state;
  if (context.json) sayJson(context, { exported: true, path: file, sequence, size });
  else say(context, `${safeText(file)}  sequence ${sequence}, ${sizeText(size)}`);
  return EXIT.ok;
}

/** Refuses a file that can't be meant: one that is there, and anything in the state directory. */
async function refuseFile(
  { fs, machine }: Context,
  directory: string,
  file: string,
  { replace }: ExportOptions,
): Promise<void> {
  if (await fs.resolve(folderOf(file)) === await fs.resolve(directory)) {
    throw usageError(`"${file}" is in the state directory itself: give another place`);
  }
  let kind: string;
  try {
    ({ kind } = await machine.status(file));
  } catch (error) {
    const failure = ioError("look at", file, error);
    if (failure.systemCode !== "ENOENT") throw failure;
    return;
  }
  if (kind !== "file") {
    throw usageError(`"${file}" is not a file, and is not replaced: give the path of a file`);
  }
  if (replace) return;
  throw new CommandError(
    "FILE_EXISTS",
    `There is a file "${file}" already, and nothing was changed: give another name, or --replace`,
  );
}

async function print(
  context: Context,
  { state }: AnyState,
  interruption: AbortSignal,
): Promise<number> {
  const { stdout } = context.terminal;
  for (const piece of piecesOf(state)) {
    stdout.write(piece);
    if (stdout.pending > OUTPUT_WAITING_MAX) await stdout.drained();
    if (interruption.aborted) return interruptedCode(interruption);
    // What its reader got is not the whole state.
    if (stdout.closed) return EXIT.incomplete;
  }
  return EXIT.ok;
}

/** One value, and as in every text file a line feed at its end. */
function* piecesOf(state: unknown): Generator<string> {
  yield* jsonPieces(state);
  yield "\n";
}

/** @returns its size in bytes; `null` after an interrupt, when nothing was written */
async function writeFile(
  context: Context,
  path: string,
  { state }: AnyState,
  interruption: AbortSignal,
): Promise<number | null> {
  const file = await NewFile.create(context.fs, path);
  const hideProgress = await showProgress(context, "write", null, () => ({ size: file.size }));
  try {
    let turn = performance.now();
    for (const piece of piecesOf(state)) {
      await file.write(piece);
      if (performance.now() - turn < TURN_MS) continue;
      await pause(0);
      turn = performance.now();
      if (!interruption.aborted) continue;
      await file.discard();
      return null;
    }
    await file.finish();
    return file.size;
  } catch (error) {
    await file.discard();
    throw ioError("write", path, error);
  } finally {
    hideProgress();
  }
}
