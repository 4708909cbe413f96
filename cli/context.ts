/**
 * What every subcommand works with, and the shared ways of opening a state directory.
 *
 * @module
 */

import { StateManager } from "../mod.ts";
import type { DurableFs } from "../src/durable_fs.ts";
import { ioError } from "../src/failures.ts";
import { findJournalName } from "../src/disk/names.ts";
import { DOCUMENT_JOURNAL, documentMutator, type Patch } from "./document.ts";
import { CommandError } from "./exit.ts";
import type { Machine } from "./machine.ts";
import type { Terminal } from "./terminal.ts";
import { type Paint, safeText } from "./text.ts";

/** The environment and the common options of a subcommand. */
export interface Context {
  readonly terminal: Terminal;
  readonly fs: DurableFs;
  readonly machine: Machine;
  /** Whether a program reads the output (`--json`). */
  readonly json: boolean;
  /** For standard output. */
  readonly paint: Paint;
  /** For standard error. */
  readonly paintError: Paint;
}

/** Writes a line to standard output. */
export function say(context: Context, text: string): void {
  context.terminal.stdout.write(text + "\n");
}

/** Writes a value for a program, on one line. */
export function sayJson(context: Context, value: unknown): void {
  say(context, JSON.stringify(value));
}

/** Writes a remark for a person; programs get none. */
export function remark(context: Context, text: string): void {
  if (!context.json) context.terminal.stderr.write(text + "\n");
}

/**
 * The name of the journal in a directory.
 *
 * @throws {CommandError} `NO_STATE` when there is no state, or no directory
 */
export async function journalNameIn(context: Context, directory: string): Promise<string> {
  let name: string | null;
  try {
    name = await findJournalName(context.fs, directory);
  } catch (error) {
    const failure = ioError("list", directory, error);
    if (failure.systemCode !== "ENOENT") throw failure;
    throw new CommandError(
      "NO_STATE",
      `There is no directory "${directory}": check the path`,
      error,
    );
  }
  if (name !== null) return name;
  throw new CommandError(
    "NO_STATE",
    `There is no state in "${directory}": no file there is a segment or a snapshot; check the path`,
  );
}

/** The command's own state, open. */
export type DocumentManager = StateManager<unknown, Patch>;

/** Opens an existing JSON document. For reading, the directory is not changed. */
export async function openDocument(
  context: Context,
  directory: string,
  readOnly: boolean,
): Promise<DocumentManager> {
  const name = await journalNameIn(context, directory);
  return await openNamedDocument(context, directory, name, { readOnly, create: false });
}

/** Opens a JSON document by the name of its journal. */
export async function openNamedDocument(
  context: Context,
  directory: string,
  name: string,
  options: { readOnly?: boolean; create: boolean },
): Promise<DocumentManager> {
  const { fs } = context;
  const manager = await StateManager.open(directory, name, documentMutator, { ...options, fs });
  const { lockFileDamage } = manager.recovery;
  if (lockFileDamage !== null) {
    remark(context, `${safeText(lockFileDamage)}. Only the directory is locked for now`);
  }
  return manager;
}

/**
 * Opens a JSON document for writing. A directory without one gets an empty object, and the user is notified: the path
 * may be mistyped, or a card not mounted.
 *
 * @param beforeMaking called before a state is created; what it throws prevents that
 * @throws {CommandError} `NO_STATE` without `create`, when there is no state, or no directory
 */
export async function openOrMakeDocument(
  context: Context,
  directory: string,
  create = true,
  beforeMaking = () => {},
): Promise<DocumentManager> {
  if (!create) return await openDocument(context, directory, false);
  const found = await foundJournalName(context, directory);
  if (found === null) beforeMaking();
  // A state that was there a moment ago must not be created again: it may just have been unmounted.
  const options = { create: found === null };
  const manager = await openNamedDocument(context, directory, found ?? DOCUMENT_JOURNAL, options);
  if (manager.recovery.created) {
    const place = safeText(await absolutePath(context, directory));
    remark(context, `There was no state in "${place}": a new one was created`);
  }
  return manager;
}

/** The name of the journal in a directory; `null` when there is no state, or no directory. */
export async function foundJournalName(
  context: Context,
  directory: string,
): Promise<string | null> {
  try {
    return await journalNameIn(context, directory);
  } catch (error) {
    if (error instanceof CommandError) return null;
    throw error;
  }
}

/** The output field for a program when a state was created; empty when it already existed. */
export function creation({ recovery }: DocumentManager): { created?: true } {
  return recovery.created ? { created: true } : {};
}

/** The absolute path, as far as this process may resolve it: a mistyped path is often relative. */
async function absolutePath(context: Context, path: string): Promise<string> {
  try {
    return await context.machine.realPath(path);
  } catch {
    return path;
  }
}

/** Waits, unless interrupted first. */
export function pause(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    signal?.addEventListener("abort", end);
  });
}
