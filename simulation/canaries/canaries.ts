/**
 * All canaries: deliberate mistakes in the real code, at least one for every promise, each of which the simulation
 * must notice (`npm run canaries`). Adapt a patch that no longer fits the code; never drop it.
 *
 * @module
 */

import type { Canary } from "./canary.ts";
import { BACKING_UP } from "./backing_up.ts";
import { CLOSING } from "./closing.ts";
import { FAILING_DISK } from "./failing_disk.ts";
import { HOLDING } from "./holding.ts";
import { KEEPING } from "./keeping.ts";
import { LETTING_IN } from "./letting_in.ts";
import { OUTCOMES } from "./outcomes.ts";
import { PLACING } from "./placing.ts";
import { RECOVERING } from "./recovering.ts";
import { REFUSING } from "./refusing.ts";
import { ROLLING_BACK } from "./rolling_back.ts";
import { SETTING_ASIDE } from "./setting_aside.ts";
import { TORN_TAILS } from "./torn_tails.ts";
import { UNREADABLE } from "./unreadable.ts";
import { UPDATING } from "./updating.ts";
import { UPKEEP } from "./upkeep.ts";
import { USING } from "./using.ts";
import { VERIFYING } from "./verifying.ts";
import { WRITING } from "./writing.ts";

/** All of them, by promise. */
export const CANARIES: readonly Canary[] = [
  ...WRITING,
  ...FAILING_DISK,
  ...RECOVERING,
  ...TORN_TAILS,
  ...SETTING_ASIDE,
  ...UNREADABLE,
  ...KEEPING,
  ...BACKING_UP,
  ...HOLDING,
  ...LETTING_IN,
  ...UPKEEP,
  ...UPDATING,
  ...ROLLING_BACK,
  ...VERIFYING,
  ...USING,
  ...CLOSING,
  ...PLACING,
  ...OUTCOMES,
  ...REFUSING,
];
