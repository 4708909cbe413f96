/**
 * Mistakes of a roll-back: what the older program takes for its own, and what a power cut leaves.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const QUARANTINE = "src/recovery/quarantine.ts";
const FIRST = "an update that is rolled back";

const OWN = "An older program continues after what its own version wrote, or refuses";
const ENDED = "A roll-back that a power cut has interrupted is ended by the next one";

/** Each of them breaks one promise about roll-backs. */
export const ROLLING_BACK: readonly Canary[] = [
  {
    name: "a roll-back begins with a newer version's snapshot",
    rule: OWN,
    first: FIRST,
    patches: [{
      file: "src/recovery/snapshot_facts.ts",
      find: "if (header === null || header.version <= versionMax) return facts;",
      replace: "if (header === null || header.version <= Infinity) return facts;",
    }],
  },
  {
    name: "the newest segment alone says which version a state is of",
    rule: OWN,
    first: FIRST,
    patches: [{
      file: "src/recovery/identity.ts",
      find: "const versionHighest = Math.max(...own.map((header) => header.version));",
      replace: "const versionHighest = version;",
    }],
  },
  {
    name: "a roll-back replaces the newer files one after the other",
    rule: ENDED,
    first: FIRST,
    patches: [{
      file: QUARANTINE,
      find: "const isAtOnce = isNewer(corruption) && isOneOfSeveral(files, corruption);",
      replace: "const isAtOnce = isNewer(corruption) && files.segments.length === 0;",
    }],
  },
  {
    name: "what a roll-back begins is not synced under its name",
    rule: ENDED,
    first: "histories: changing programs",
    patches: [{
      file: QUARANTINE,
      find: "    if (segment !== null && isNewer(corruption)) await segment.sync();\n",
      replace: "",
    }],
  },
];
