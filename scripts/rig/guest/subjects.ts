// Everything that is tried, by name: the library's workloads, and the controls that the rig must catch or pass.

import { checkState } from "./checks.ts";
import { CONTROLS } from "./controls.ts";
import type { Subject } from "./subject.ts";
import { WRITERS } from "./writers.ts";

/** All subjects. */
export const SUBJECTS: Record<string, Subject> = {
  ...Object.fromEntries(
    Object.entries(WRITERS).map(([name, write]) => [name, { write, check: checkState }]),
  ),
  ...CONTROLS,
};
