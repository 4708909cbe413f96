/**
 * One random history on the simulated disk: mutations, snapshots, restarts, upgrades, backups, faults and power cuts,
 * checked against the model at every step and in many images at every cut.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MinistateError, StateManager, type StateManagerOptions } from "@ministate/ministate";
import { type Fault, isPowerCut } from "../testing/disk/disk_calls.ts";
import { crashImages } from "../testing/disk/crash_images.ts";
import { ANY_POWER_CUT, EXTREMES } from "../testing/disk/power_cut.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { Random } from "../testing/disk/random.ts";
import { survives } from "./oracle.ts";
import type { Tally } from "./tally.ts";
import { all, collector, type Ids, type Manager, NAME, within, World } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** One thing that happens. */
export type Step =
  | { do: "apply" | "together" | "group"; count: number; padSize: number }
  | { do: "snapshot" | "compact"; beside: number }
  | { do: "close"; preset: number }
  | { do: "backup" }
  | { do: "crash" | "upgrade" }
  | { do: "slow"; milliseconds: number }
  | { do: "fill"; space: number }
  | { do: "fault"; after: number; how: Fault["how"]; sticky: boolean }
  | { do: "cut"; after: number; seed: number };

/** A step that needs the state to be open. */
type Use = Extract<
  Step,
  { do: "apply" | "together" | "group" | "snapshot" | "compact" | "backup" }
>;

/** Options that a history is opened with, by number. */
export const PRESETS: readonly StateManagerOptions[] = [
  {},
  { segmentSizeMax: 64 * 1024 },
  { compaction: "automatic", compactionSize: 4096 },
  { snapshotsKept: 3, segmentSizeMax: 64 * 1024 },
];

/** How many images of each power cut are checked, beside the extreme ones. */
const IMAGES_MAX = 24;

const FAULT_CODES = new Set(["POISONED", "IO_FAILED", "DISK_FULL", "CLOSED"]);

/** What the disk refuses to give for good counts as damage, and the error says that the disk refused it. */
function isRefusedRead({ code, systemCode }: MinistateError): boolean {
  return code === "CORRUPT" && systemCode === "EIO";
}

/** Runs steps. Throws at the first result that is not as it must be. */
export class History {
  readonly #tally: Tally;
  readonly #world = new World();
  #disk = freshDisk();
  #manager: Manager | null = null;
  #preset = 0;
  #version = 1;
  #backups = 0;
  /** Decides what the power cut that is coming leaves. */
  #cutSeed = 1;
  /** Whether anything that was done to the disk can make calls fail. */
  #troubled = false;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** Makes all steps, then cuts the power once more. */
  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await this.#survive(() => this.#make(step));
    }
    await this.#survive(() => this.#make({ do: "cut", after: 0, seed: 1 }));
  }

  /** Lets a step fail if the disk was made to fail, and continues with another disk after a power cut. */
  async #survive(step: () => Promise<void>): Promise<void> {
    const refusalsBefore = this.#world.refusals.length;
    // A step that closes clears the flag, but may itself fail for the same reason.
    const troubledBefore = this.#troubled;
    const allows = (code: string) => (troubledBefore || this.#troubled) && FAULT_CODES.has(code);
    try {
      await within(step());
    } catch (error) {
      const excused = error instanceof MinistateError &&
        (allows(error.code) || allows("IO_FAILED") && isRefusedRead(error));
      if (!isPowerCut(error) && !excused) throw error;
    }
    if (this.#world.problem !== null) throw this.#world.problem;
    const refusals = this.#world.refusals.slice(refusalsBefore);
    assert(refusals.every(allows), `refused with ${refusals}`);
    if (this.#disk.dead) await this.#checkCut();
  }

  async #make(step: Step): Promise<void> {
    switch (step.do) {
      case "fault":
        this.#disk.fault = { ...step, at: this.#disk.calls + step.after };
        this.#troubled = true;
        this.#tally.fault();
        return;
      case "fill":
        this.#disk.spaceLeft = step.space;
        this.#troubled = true;
        return;
      case "slow":
        this.#disk.syncDelayMs = step.milliseconds;
        return;
      case "cut":
        this.#cutSeed = step.seed;
        // "At once" means at the next call, which may also be a listing of names.
        this.#disk.cutAt = this.#disk.calls + step.after + 1;
        if (step.after === 0) await this.#disk.list("/");
        return;
      case "crash":
        this.#restartOn(this.#disk.crash());
        return;
      case "close":
        this.#preset = step.preset;
        return await this.#close();
      case "upgrade":
        await this.#close();
        this.#version++;
        return;
      default:
        return await this.#use(step, await this.#open());
    }
  }

  async #use(step: Use, manager: Manager): Promise<void> {
    const world = this.#world;
    const many = (count: number, padSize = 0) =>
      all(Array.from({ length: count }, () => world.apply(manager, padSize)));
    if (step.do === "apply") {
      for (let i = 0; i < step.count; i++) await world.apply(manager, step.padSize);
    } else if (step.do === "together") {
      await many(step.count, step.padSize);
    } else if (step.do === "group") {
      await all([world.applyAll(manager, step.count, step.padSize), world.apply(manager)]);
    } else if (step.do === "snapshot") {
      await all([manager.createSnapshot(), many(step.beside)]);
    } else if (step.do === "compact") {
      await all([manager.compact(), many(step.beside)]);
    } else {
      await this.#backUp(manager);
    }
  }

  #mutator() {
    const migrate = { state: (state: unknown) => state as Ids };
    return { ...collector, version: this.#version, migrate };
  }

  async #open(): Promise<Manager> {
    this.#manager ??= await this.#world.open(this.#disk, PRESETS[this.#preset], this.#mutator());
    return this.#manager;
  }

  async #close(): Promise<void> {
    const manager = this.#manager;
    this.#manager = null;
    try {
      await manager?.close();
    } finally {
      // A power cut that was announced stays announced; everything else ends with the process.
      if (!this.#disk.dead) this.#mend();
    }
  }

  #mend(): void {
    this.#disk.fault = null;
    this.#disk.spaceLeft = Infinity;
    this.#troubled = false;
  }

  #restartOn(disk: PowerCutDisk): void {
    this.#disk = disk;
    this.#manager = null;
    this.#troubled = false;
  }

  /** A backup that was reported as done opens after a power cut, with all that was acknowledged when it began. */
  async #backUp(manager: Manager): Promise<void> {
    const acknowledged = this.#world.certain.length;
    const target = `/data/backup-${++this.#backups}`;
    await all([manager.backup(target), this.#world.apply(manager)]);
    const disk = this.#disk.image().powerCut(EXTREMES.lost, new Random(1));
    const copy: Manager = await StateManager.open(target, NAME, this.#mutator(), { fs: disk });
    assert(copy.sequence >= acknowledged, `the backup ends at ${copy.sequence}`);
    await copy.close();
  }

  async #checkCut(): Promise<void> {
    const disk = this.#disk;
    const operation = disk.log.at(-1)!.split(" ")[0]!;
    const random = new Random(this.#cutSeed);
    const check = { random, tally: this.#tally, operation, mutator: this.#mutator() };
    for (const image of crashImages(disk, { imagesMax: IMAGES_MAX, seed: this.#cutSeed })) {
      await survives(this.#world, image, check);
    }
    this.#restartOn(disk.powerCut(ANY_POWER_CUT, random));
  }
}
