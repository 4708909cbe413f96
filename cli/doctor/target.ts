/**
 * Finds the directory to examine when the given one doesn't exist yet.
 *
 * @module
 */

import { systemCodeOf } from "../../src/durable_fs.ts";
import { ioError } from "../../src/failures.ts";
import { parentOf } from "../../src/disk/names.ts";
import type { Machine } from "../machine.ts";
import type { DoctorFinding } from "./finding.ts";

/** Where a state is, or will be. */
export interface Target {
  /** The absolute path, with all links resolved: of the directory, or of its nearest existing ancestor. */
  path: string;
  /** Whether it is the directory itself. */
  exists: boolean;
}

/**
 * Finds the directory to examine.
 *
 * @throws {IoError} when the path can't be accessed, or leads to something other than a directory
 */
export async function findTarget(machine: Machine, directory: string): Promise<Target> {
  for (let path = directory;; path = parentOf(path) ?? ".") {
    try {
      const found = await machine.realPath(path);
      if ((await machine.status(found)).kind === "directory") {
        return { path: found, exists: path === directory };
      }
      throw Object.assign(new Error("not a directory"), { code: "ENOTDIR" });
    } catch (error) {
      if (systemCodeOf(error) !== "ENOENT" || path === ".") throw ioError("examine", path, error);
    }
  }
}

/** Reports that the directory is missing, if it is. */
export function missingFinding({ path, exists }: Target, directory: string): DoctorFinding[] {
  if (exists) return [];
  return [{
    check: "directory",
    mark: "notice",
    found: `there is no "${directory}" yet`,
    meaning: `What follows is about "${path}", the nearest directory above it`,
  }];
}
