/**
 * All canaries: deliberate mistakes in the real code, at least one for every promise, each of which the simulation
 * must notice (`npm run canaries`). Adapt a patch that no longer fits the code; never drop it.
 *
 * @module
 */

import type { Canary } from "./canary.ts";
import { HOLDING } from "./holding.ts";
import { KEEPING } from "./keeping.ts";
import { PLACING } from "./placing.ts";
import { RECOVERING } from "./recovering.ts";
import { SETTING_ASIDE } from "./setting_aside.ts";
import { UNREADABLE } from "./unreadable.ts";
import { UPKEEP } from "./upkeep.ts";
import { USING } from "./using.ts";
import { WRITING } from "./writing.ts";

/** All of them, by promise. */
export const CANARIES: readonly Canary[] = [
  ...WRITING,
  ...RECOVERING,
  ...SETTING_ASIDE,
  ...UNREADABLE,
  ...KEEPING,
  ...HOLDING,
  ...UPKEEP,
  ...USING,
  ...PLACING,
];
