/**
 * What a promise is, and how the disks are made and opened on which it is tried.
 *
 * @module
 */

import { MinistateError, type StateManagerOptions } from "@ministate/ministate";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { openDamaged } from "./damage_oracle.ts";
import type { Tally } from "./tally.ts";
import { DIRECTORY } from "./world.ts";

/** One promise. */
export interface Promised {
  /** What is looked at, as the name of an exploration. */
  name: string;
  /** Throws when the promise is broken. */
  keep(tally: Tally): Promise<void>;
}

/** What a call is refused with; its name when it is not refused. */
export async function codeOf(call: () => Promise<unknown>, done = "done"): Promise<string> {
  try {
    await call();
    return done;
  } catch (error) {
    if (error instanceof MinistateError) return error.code;
    throw error;
  }
}

/** The code an open fails with; "opened" when it doesn't. */
export function openingOf(fs: PowerCutDisk, options: StateManagerOptions = {}): Promise<string> {
  return codeOf(async () => await (await openDamaged(fs, options)).close(), "opened");
}

/** The one file in the state directory with this in its name. */
export function fileOf(fs: PowerCutDisk, part: string): string {
  const found = fs.paths(DIRECTORY).filter((path) =>
    path.slice(DIRECTORY.length + 1).startsWith(part)
  );
  if (found.length !== 1) throw new Error(`${found.length} files begin with ${part}`);
  return found[0]!;
}

/** Flips a bit of the first place where a file holds `text`. */
export function rot(fs: PowerCutDisk, path: string, text: string): void {
  const at = new TextDecoder("latin1").decode(fs.peek(path)!).indexOf(text);
  if (at < 0) throw new Error(`${path} doesn't hold ${text}`);
  fs.flipBit(path, at + text.length - 1, 0);
}
