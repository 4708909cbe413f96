/**
 * Reads a directory that a live writer may be changing. If anything looks damaged or missing, it is read again.
 *
 * @module
 */

import { MinistateError } from "../errors.ts";
import type { Recovered } from "./recovery.ts";

/** How many times to try a read while files change. */
export const SURVEYS_MAX = 5;

/** Recovers. Without the lock, retries until it succeeds or has failed often enough to be believed. */
export async function readSteadily(
  readOnly: boolean,
  attempt: () => Promise<Recovered>,
): Promise<Recovered> {
  for (let count = 1;; count++) {
    const isLast = !readOnly || count >= SURVEYS_MAX;
    try {
      const recovered = await attempt();
      if (isLast || recovered.report.lost === null) return recovered;
    } catch (error) {
      const changing = error instanceof MinistateError &&
        (error.code === "CORRUPT" || error.systemCode === "ENOENT");
      if (isLast || !changing) throw error;
    }
  }
}
