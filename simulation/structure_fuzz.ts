/**
 * Structure fuzzing: random histories, random damage to what they left, and an oracle that says what opening may result in.
 * Used by a test for some seconds and by campaigns for hours.
 *
 * @module
 */

import fc from "fast-check";
import { damages, inflict } from "./structure_damage.ts";
import { forge, forgeries } from "./structure_forgery.ts";
import { scripts, writeHistory } from "./structure_history.ts";
import { checkHostile } from "./structure_hostile.ts";
import { checkDamaged, OUTSIDE } from "./structure_oracle.ts";

/** How long to look, and from where. */
export interface StructureCampaign {
  /** A whole number; the same one gives the same cases. */
  seed: number;
  /** How many histories; each is damaged in up to eight ways. */
  runs: number;
  /** Where in the tree of cases to begin, as a counterexample names it: replays only that case. */
  path?: string;
  /** Called for every damaged directory that was checked. */
  onState?: () => void;
}

const OWN_ID = "0123456789abcdef";
const OTHER_ID = "fedcba9876543210";
const DAMAGES_MAX = 4;
const WAYS_MAX = 8;

/**
 * Damages directories at random and checks the result of opening them.
 *
 * @throws {Error} with the smallest counterexample found, and how to run it again
 */
export async function checkStructure(campaign: StructureCampaign): Promise<void> {
  const ways = fc.array(fc.array(damages, { minLength: 1, maxLength: DAMAGES_MAX }), {
    minLength: 1,
    maxLength: WAYS_MAX,
  });
  const property = fc.asyncProperty(scripts, scripts, ways, async (script, otherScript, ways) => {
    const own = await writeHistory(script, OWN_ID);
    const other = await writeHistory(otherScript, OTHER_ID, true);
    own.disk.plant(OUTSIDE, new Uint8Array([1, 2, 3]));
    for (const way of ways) {
      const disk = own.disk.image();
      for (const damage of way) inflict(damage, disk, own, other);
      await checkDamaged(disk, own, other);
      campaign.onState?.();
    }
  });
  await hold(property, campaign);
}

/**
 * Forges lines, files and names at random, with some damage, and checks that opening them does no harm.
 *
 * @throws {Error} with the smallest counterexample found, and how to run it again
 */
export async function checkForgeries(campaign: StructureCampaign): Promise<void> {
  const way = fc.tuple(
    fc.array(damages, { maxLength: 1 }),
    fc.array(forgeries, { minLength: 1, maxLength: 3 }),
  );
  const ways = fc.array(way, { minLength: 1, maxLength: WAYS_MAX });
  const property = fc.asyncProperty(scripts, ways, async (script, ways) => {
    const own = await writeHistory(script, OWN_ID);
    own.disk.plant(OUTSIDE, new Uint8Array([1, 2, 3]));
    for (const [damages, forgeries] of ways) {
      const disk = own.disk.image();
      for (const damage of damages) inflict(damage, disk, own, own);
      for (const forgery of forgeries) forge(forgery, disk);
      await checkHostile(disk);
      campaign.onState?.();
    }
  });
  await hold(property, campaign);
}

/** Runs a property, and says how to run it again when it does not hold. */
async function hold<T>(property: fc.IAsyncProperty<T>, campaign: StructureCampaign): Promise<void> {
  const { seed, runs, path } = campaign;
  const details = await fc.check(property, {
    seed: seed | 0,
    numRuns: runs,
    ...(path === undefined ? {} : { path, endOnFailure: true }),
  });
  if (!details.failed) return;
  const { counterexample, counterexamplePath, errorInstance, numShrinks } = details;
  const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  throw new Error(
    `${reason}\n\nThe smallest case, after ${numShrinks} attempts to make it smaller:\n${
      JSON.stringify(counterexample)
    }\nMINISTATE_TEST_SEED=${seed} finds it again; seed ${seed} and path "${counterexamplePath}" run it alone`,
    { cause: errorInstance },
  );
}
