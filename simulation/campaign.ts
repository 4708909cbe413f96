/**
 * All explorations in turn, as far as bounds and time allow: what one process of a campaign does.
 *
 * @module
 */

import { ROTS } from "./bit_rot.ts";
import { exploreFaults, FAULT_KINDS } from "./faults.ts";
import { exploreHistories } from "./histories.ts";
import { exploreOutcomes } from "./outcomes.ts";
import { explorePowerCuts } from "./power_cuts.ts";
import { PROMISES } from "./promises.ts";
import { record, type Recording } from "./recordings.ts";
import { onlyStep, sliceOf } from "./slice.ts";
import { checkForgeries, checkStructure } from "./structure_fuzz.ts";
import type { Tally } from "./tally.ts";
import { WORKLOADS } from "./workloads.ts";

/** What a campaign looks at. The first three kinds yield crash states, the others damaged directories. */
export type Kind =
  | "power cuts"
  | "faults"
  | "histories"
  | "promises"
  | "bit rot"
  | "structure";

/** How far a campaign goes. */
export interface CampaignOptions {
  seed: number;
  /** This process's number, and how many there are. */
  index: number;
  processes: number;
  /** How many images of a power cut are tried at most; see `crashImages`. */
  imagesMax: number;
  /** How many histories are drawn; `Infinity` for as many as there is time for. */
  histories: number;
  /** One byte in this many of the recorded directories rots, chosen at random; 0 for none. The tests try every byte. */
  rotOneIn: number;
  /** When to stop, by `performance.now()`; `Infinity` for never. */
  deadline: number;
  /** Only explorations whose name contains this. */
  only: string;
  /** Only this call of each workload, to look at a failure again; 0 for all. */
  call: number;
}

/** Called for everything that is checked. */
export interface Witness {
  /** Says what is examined from now on; returns the tally that counts it. */
  begin(kind: Kind, name: string): Tally;
  failed(kind: Kind, name: string, error: unknown): void;
}

/** One exploration. */
interface Exploration {
  kind: Kind;
  name: string;
  explore(tally: Tally): Promise<void>;
}

/** How many are drawn from one seed before the clock is looked at. */
const HISTORIES_AT_ONCE = 30;
/** The same for those in which the program changes: each opens every image several times. */
const OUTCOMES_AT_ONCE = 10;
const DAMAGED_AT_ONCE = 4;
const FORGED_AT_ONCE = 1;

/** Runs a campaign. A failure ends its exploration and no other. */
export async function runCampaign(options: CampaignOptions, witness: Witness): Promise<void> {
  const recordings = await record();
  for (const exploration of explorations(options, recordings)) {
    if (performance.now() > options.deadline) return;
    if (isWanted(exploration, options)) await run(exploration, witness);
  }
  for (let round = 0; round * HISTORIES_AT_ONCE < options.histories; round++) {
    // Each process has its own seeds, so that none repeats the work of another.
    const seed = options.seed + options.index + options.processes * round;
    const count = Math.min(HISTORIES_AT_ONCE, options.histories - round * HISTORIES_AT_ONCE);
    const wanted = randomExplorations(seed, count).filter((found) => isWanted(found, options));
    if (options.histories === Infinity) {
      // Repeats one of the others with other images and failures: some mistakes show with only one seed in ten.
      const seedAgain = options.seed + round + 1;
      const again = explorations({ ...options, seed: seedAgain }, recordings)
        .map((exploration) => withSeed(exploration, seedAgain))
        .filter((found) => isWanted(found, options));
      wanted.push(...again.slice(round % again.length).slice(0, 1));
    }
    if (wanted.length === 0) return;
    for (const exploration of wanted) {
      if (performance.now() > options.deadline) return;
      await run(exploration, witness);
    }
  }
}

/** What is drawn again in every round. */
function randomExplorations(seed: number, count: number): Exploration[] {
  const damaged = (tally: Tally) => () => tally.state("damage", "as the evidence allows");
  const explorations: Exploration[] = [
    {
      kind: "histories",
      name: "random histories",
      explore: (tally) => exploreHistories(seed, count, tally),
    },
    {
      kind: "histories",
      name: "changing programs",
      explore: (tally) => exploreOutcomes(seed, Math.min(count, OUTCOMES_AT_ONCE), tally),
    },
    {
      kind: "structure",
      name: "random damage",
      explore: (tally) => checkStructure({ seed, runs: DAMAGED_AT_ONCE, onState: damaged(tally) }),
    },
    {
      kind: "structure",
      name: "forged files",
      explore: (tally) => checkForgeries({ seed, runs: FORGED_AT_ONCE, onState: damaged(tally) }),
    },
  ];
  return explorations.map((exploration) => withSeed(exploration, seed));
}

/** A report of a failure must name this seed, not the one that the campaign began with. */
function withSeed({ kind, name, explore }: Exploration, seed: number): Exploration {
  return {
    kind,
    name,
    explore: (tally) =>
      explore(tally).catch((error) => {
        throw Object.assign(error, { seed });
      }),
  };
}

function isWanted({ kind, name }: Exploration, { only }: CampaignOptions): boolean {
  return `${kind}: ${name}`.includes(only);
}

async function run(
  { kind, name, explore }: Exploration,
  witness: Witness,
): Promise<void> {
  try {
    await explore(witness.begin(kind, name));
  } catch (error) {
    witness.failed(kind, name, error);
  }
}

function explorations(options: CampaignOptions, recordings: readonly Recording[]): Exploration[] {
  const { seed, index, processes, imagesMax, rotOneIn, call } = options;
  const slice = call > 0 ? onlyStep(call) : sliceOf(index, processes);
  const drawn = sliceOf((seed + index) % (rotOneIn * processes), rotOneIn * processes);
  return [
    ...WORKLOADS.map((workload): Exploration => ({
      kind: "power cuts",
      name: workload.name,
      explore: (tally) => explorePowerCuts(workload, { ...slice, seed, imagesMax }, tally),
    })),
    ...WORKLOADS.flatMap((workload) =>
      FAULT_KINDS.map((fault): Exploration => ({
        kind: "faults",
        name: `${workload.name}, ${fault.says}`,
        explore: (tally) => exploreFaults(workload, fault, { ...slice, seed }, tally),
      }))
    ),
    ...PROMISES.filter((_, number) => slice.mine(number)).map(({ name, keep }): Exploration => ({
      kind: "promises",
      name,
      explore: keep,
    })),
    ...recordings.flatMap((recording) =>
      ROTS.filter(() => rotOneIn > 0).map((rot): Exploration => ({
        kind: "bit rot",
        name: `${recording.name}, ${rot.name}`,
        explore: (tally) => rot.explore(recording, drawn, tally),
      }))
    ),
  ];
}
