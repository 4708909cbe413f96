/**
 * Where to look when the directory isn't there yet.
 *
 * @module
 */

import { systemCodeOf } from "../../src/durable_fs.ts";
import { ioError } from "../../src/failures.ts";
import { parentOf } from "../../src/disk/names.ts";
import type { Machine } from "../machine.ts";
import type { Finding } from "./finding.ts";

/** Where a state is, or will be. */
export interface Place {
  /** The absolute path, behind all links: of the directory, or of the nearest one above it that is there. */
  path: string;
  /** Whether it is the directory itself. */
  exists: boolean;
}

/**
 * Finds the place.
 *
 * @throws {IoError} when the path can't be looked at, or leads to something else than a directory
 */
export async function findPlace(machine: Machine, directory: string): Promise<Place> {
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

/** Says that the directory is missing, when it is. */
export function placeFinding({ path, exists }: Place, directory: string): Finding[] {
  if (exists) return [];
  return [{
    check: "directory",
    mark: "notice",
    found: `there is no "${directory}" yet`,
    meaning: `What follows is about "${path}", the nearest directory above it`,
  }];
}
