// A lock file that the running runtime's file system refuses to open.

import type { StateManagerOptions } from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import { badDisk } from "./bad_disk.ts";

/** The options that open a state with such a file; without a code, those of a sound disk. */
export async function lockFileRefused(
  code?: string,
): Promise<Pick<StateManagerOptions, "fs">> {
  if (code === undefined) return {};
  return { fs: badDisk(await detectFs(), { part: "ministate.lock", code }).fs };
}
