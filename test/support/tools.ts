// Other programs that tests need, and that a machine may lack.

import { spawnSync } from "node:child_process";
import process from "node:process";

/** Where .ci/run could install them, a missing one is a failure. */
const isRequired = process.env.MINISTATE_TOOLS === "required";

/** Why a test of these programs is left out: which of them is missing; `false` when they are all there. */
export function without(...programs: string[]): string | false {
  const missing = programs.filter((program) =>
    spawnSync(program, ["--version"]).error !== undefined
  );
  if (missing.length === 0) return false;
  const reason = `needs ${missing.join(" and ")} (Debian: apt-get install ${missing.join(" ")})`;
  if (isRequired) throw new Error(`A test ${reason}`);
  return reason;
}
