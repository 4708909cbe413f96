/**
 * Cuts the power of a workload at every call, in every way up to a bound, and during the recovery too.
 *
 * @module
 */

import { crashImages, type CrashImagesOptions } from "../testing/disk/crash_images.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { Random } from "../testing/disk/random.ts";
import { countCalls, interrupt, survives } from "./oracle.ts";
import type { Slice } from "./slice.ts";
import type { Tally } from "./tally.ts";
import type { Workload } from "./workloads.ts";

/** How far to go. */
export interface PowerCutsOptions extends Slice {
  seed: number;
  /** Every image is tried when a call can leave no more than this many; otherwise this many are drawn. */
  imagesMax: number;
}

/** Either only the process is killed, which loses nothing and makes nothing durable, or the power is cut. */
function* endings(fs: PowerCutDisk, options: CrashImagesOptions): Generator<PowerCutDisk> {
  yield fs.image();
  yield* crashImages(fs, options);
}

/** Explores one workload. Throws at the first crash state that is not as it must be, and says how to get there. */
export async function explorePowerCuts(
  workload: Workload,
  options: PowerCutsOptions,
  tally: Tally,
): Promise<void> {
  const { seed, imagesMax } = options;
  const calls = await countCalls(workload);
  for (let at = 1; at <= calls + 1; at++) {
    if (!options.mine(at)) continue;
    const { world, fs, finished } = await interrupt(workload, (fs) => fs.cutAt = at);
    const operation = finished ? "after the end" : fs.log.at(-1)!.split(" ")[0]!;
    let number = 0;
    for (const image of endings(fs, { imagesMax, seed: seed + at })) {
      number++;
      const random = new Random(seed + at * 1000 + number);
      try {
        await workload.inspect?.(image.image(), finished);
        const { options, mutator } = workload;
        await survives(world, image, { random, tally, operation, options, mutator });
      } catch (error) {
        const where = finished ? "after the end" : `at call ${at}, ${fs.log.at(-1)}`;
        const message = error instanceof Error ? error.message : error;
        throw new Error(
          `${workload.name}: power cut ${where}, image ${number}, seed ${seed}: ${message}`,
          { cause: error },
        );
      }
    }
  }
}
