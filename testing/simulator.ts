/**
 * The interface to a simulated disk for checking a mutator; implemented by `testing/disk/`.
 *
 * @module
 */

import type { DurableFs } from "../src/durable_fs.ts";

/** A disk whose power can be cut at any call. */
export interface CuttableDisk extends DurableFs {
  /** How many calls were made. */
  readonly calls: number;
  /** The call at which the power is cut; `null` for never. */
  cutAt: number | null;
  /** Whether the power is gone: every call fails from then on. */
  readonly dead: boolean;
}

/** Draws numbers that depend only on a seed, so that a run can be repeated. */
export interface RandomSource {
  /** A number from 0 to below 1. */
  next(): number;
  /** A whole number from 0 to below `bound`. */
  below(bound: number): number;
  /** True with the given chance, from 0 to 1. */
  chance(probability: number): boolean;
  /** One of the items; there must be at least one. */
  pick<T>(items: readonly T[]): T;
}

/** Makes disks, cuts their power and draws numbers. */
export interface Simulator {
  /** Creates an empty disk. */
  disk(): CuttableDisk;
  /** What a power cut now could leave of a disk: every case, or `imagesMax` of them. */
  images(disk: CuttableDisk, options: { imagesMax: number; seed: number }): Iterable<CuttableDisk>;
  /** A source of numbers that depend only on the seed. */
  random(seed: number): RandomSource;
}
