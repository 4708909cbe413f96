/**
 * Migrates states and mutations of an older version of the program to this one.
 *
 * @module
 */

import { MigrationError } from "../errors.ts";
import { messageOf } from "../failures.ts";
import { DEPTH_MAX, STATE_DEPTH_MAX } from "../format/format.ts";
import { copyJson, describeFlaw, findJsonFlaw } from "../format/json.ts";
import { DROP, type MutatorBase } from "./types.ts";
import { refusePromise } from "./outcomes.ts";

/**
 * Converts a state or a mutation that `version` of the program wrote.
 *
 * @returns `DROP` for a mutation that has no place in this version
 * @throws {MigrationError} when the mutator has no `migrate`, or it fails
 */
export function carryOver<S, M>(
  mutator: MutatorBase<S, M>,
  what: "state" | "mutation",
  version: number,
  value: unknown,
): unknown {
  const { migrate, version: current = 1 } = mutator;
  if (version === current) return value;
  if (migrate === undefined) {
    throw new MigrationError(
      `The ${what} was written by version ${version} of the mutator and this is version ${current}: ` +
        "give the mutator a `migrate` that converts it; nothing was changed",
      { operation: "open" },
    );
  }
  if (migrate[what] === undefined) return value;
  try {
    const carried: unknown = refusePromise(migrate[what](value, version));
    if (carried === DROP && what === "mutation") return DROP;
    const flaw = findJsonFlaw(carried, what === "state" ? STATE_DEPTH_MAX : DEPTH_MAX);
    // Checked before anything is written: a `migrate` without a return would wipe out the whole state.
    if (flaw !== null) throw new TypeError(`in what it returned, ${describeFlaw(flaw)}`);
    // Copied, because `migrate` may return the same object on every call, and the state will be changed.
    return what === "state" ? copyJson(carried) : carried;
  } catch (cause) {
    throw new MigrationError(
      `migrate.${what} failed to convert version ${version} to ${current}: ` +
        `${messageOf(cause)}; nothing was changed`,
      { operation: "open", cause },
    );
  }
}
