/**
 * What checking a mutator needs of a simulated disk. `testing/disk/` has one.
 *
 * @module
 */

import type { DurableFs } from "../src/durable_fs.ts";

/** A disk whose power can be cut at any call. */
export interface CuttableDisk extends DurableFs {
  /** How many calls were made. */
  readonly calls: number;
  /** The call at which the power goes; `null` for never. */
  cutAt: number | null;
  /** Whether the power is gone: every call fails from then on. */
  readonly dead: boolean;
}

/** Draws numbers that depend on a seed alone, so that a run can be repeated. */
export interface RandomSource {
  /** A number from 0 to below 1. */
  next(): number;
  /** A whole number from 0 to below `bound`. */
  below(bound: number): number;
  /** True with the given chance, from 0 to 1. */
  chance(probability: number): boolean;
  /** One of the items, of which there must be one at least. */
  pick<T>(items: readonly T[]): T;
}

/** Makes disks, cuts their power and draws numbers. */
export interface Simulator {
  /** A new disk, empty. */
  disk(): CuttableDisk;
  /** What a power cut now could leave of a disk: everything, or `imagesMax` cases of it. */
  images(disk: CuttableDisk, options: { imagesMax: number; seed: number }): Iterable<CuttableDisk>;
  /** Numbers drawn from a seed. */
  random(seed: number): RandomSource;
}
