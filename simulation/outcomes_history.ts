/**
 * One random history of a program that changes: what it accepted and refused, over restarts, updates, backups, full
 * disks and power cuts, compared with the model at every step and in many images at every cut.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MinistateError } from "@ministate/ministate";
import { isPowerCut } from "../testing/disk/disk_calls.ts";
import { crashImages } from "../testing/disk/crash_images.ts";
import { ANY_POWER_CUT } from "../testing/disk/power_cut.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { Random } from "../testing/disk/random.ts";
import { makeCalls, type PurseManager } from "./outcomes_calls.ts";
import { checkImage, cutOff, OPTIONS } from "./outcomes_images.ts";
import { type Found, readOutcomes } from "./outcomes_journal.ts";
import { Ledger } from "./outcomes_model.ts";
import { compareReaders, opens } from "./outcomes_oracle.ts";
import type { By, Program } from "./outcomes_program.ts";
import type { Calls, Change, OutcomeStep } from "./outcomes_steps.ts";
import type { Tally } from "./tally.ts";
import { DIRECTORY, within } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** What a set of histories must have met at least once. */
export const KINDS = [
  "power cut between a batch and the record of its refusals",
  "power cut during an update",
  "power cut in a group with refusals",
  "accepted mutation refused now",
  "refused before it was written",
] as const;

/** These, and one that takes more steps in a row than are drawn. */
export type Kind = typeof KINDS[number] | "undecided mutation refused by another version";

/** How often each was met. */
export type Kinds = Map<Kind, number>;

/** How many images of each power cut are checked, beside the extreme ones. */
const IMAGES_MAX = 4;
const FIRST: Program = { style: "late", limit: 5, floor: -5, version: 1, carry: "keep" };
/** Lives through steps. Throws at the first thing that is not as it must be. */
export class OutcomeHistory {
  readonly #tally: Tally;
  readonly #kinds: Kinds;
  #disk = freshDisk();
  #ledger = new Ledger();
  #manager: PurseManager | null = null;
  /** All so far, the newest first: an older one is asked when a newer one refuses what is there. */
  #programs: Program[] = [FIRST];
  #nextId = 1;
  #backups = 0;
  /** How often the power was cut. */
  cuts = 0;
  #isFull = false;
  #isUpdating = false;
  #cut: { seed: number; to: Change } | null = null;
  #follower: { from: number; seen: unknown[]; done: Promise<void> } | null = null;

  constructor(tally: Tally, kinds: Kinds) {
    this.#tally = tally;
    this.#kinds = kinds;
  }

  /** Makes all steps, then cuts the power once more. */
  async run(steps: readonly OutcomeStep[]): Promise<void> {
    for (const step of steps) await this.#survive(() => this.#make(step));
    const to: Change = { ...FIRST, limit: 20, raise: true };
    await this.#survive(() => this.#make({ do: "cut", after: 0, seed: 1, to }));
  }

  async #survive(step: () => Promise<void>): Promise<void> {
    try {
      await within(step());
    } catch (error) {
      const isFailure = error instanceof MinistateError;
      const isExcused = this.#disk.dead
        ? isPowerCut(error) || isFailure && ["POISONED", "IO_FAILED"].includes(error.code)
        : this.#isFull && isFailure && error.code === "DISK_FULL";
      if (!isExcused) throw error;
    }
    if (this.#disk.dead) await this.#checkCut();
  }

  async #make(step: OutcomeStep): Promise<void> {
    switch (step.do) {
      case "cut":
        this.#cutAfter(step.after, step);
        if (step.after === 0) await this.#disk.list("/");
        return;
      case "full":
        this.#disk.spaceLeft = step.space ?? Infinity;
        this.#isFull = step.space !== null;
        return;
      case "restart":
        if (step.how === "close") await this.#close();
        else this.#restartOn(this.#disk.crash());
        this.#disk.spaceLeft = Infinity;
        this.#isFull = false;
        this.#change(step.to);
        if (step.cut === null) return;
        this.#cutAfter(step.cut, step);
        return void await this.#open();
      default:
        return await this.#use(step, await this.#open());
    }
  }

  #cutAfter(calls: number, cut: { seed: number; to: Change }): void {
    this.#cut = cut;
    this.#disk.cutAt = this.#disk.calls + calls + 1;
  }

  async #use(
    step: Exclude<OutcomeStep, { do: "cut" | "full" | "restart" }>,
    manager: PurseManager,
  ): Promise<void> {
    switch (step.do) {
      case "calls":
        return await this.#calls(manager, step.calls, step.together, step.padSize);
      case "look":
        return await this.#look(manager, step.at);
      case "backup":
        return await this.#backUp(manager, step.beside, step.to);
      default: {
        const done = step.do === "snapshot" ? manager.createSnapshot() : manager.compact();
        await this.#beside(done, manager, step.beside);
      }
    }
  }

  async #calls(manager: PurseManager, calls: Calls, together: boolean, padSize = 0): Promise<void> {
    const { program } = this;
    const before = this.#ledger.past.length;
    const made = calls.map((call) => call.map((by) => this.#draw(by, padSize)));
    await makeCalls(manager, this.#ledger, made, { program, together, mayFail: this.#isFull });
    const written = this.#ledger.past.length - before;
    if (written < calls.flat().length) this.#met("refused before it was written");
  }

  #draw(by: number, padSize: number): By {
    const id = this.#nextId++;
    return padSize === 0 ? { id, by } : { id, by, pad: `${id}`.padStart(padSize, ".") };
  }

  /** Makes calls while something else is done. */
  async #beside(done: Promise<unknown>, manager: PurseManager, calls: Calls): Promise<void> {
    const [first, second] = await Promise.allSettled([
      this.#calls(manager, calls, true),
      done,
    ]);
    for (const { status, ...rest } of [first, second]) {
      if (status === "rejected") throw (rest as { reason: unknown }).reason;
    }
  }

  /** The program that is used now, or next. */
  get program(): Program {
    return this.#programs[0]!;
  }

  #change({ raise, ...rest }: Change): void {
    this.#programs.unshift(changed(this.program, { raise, ...rest }));
  }

  async #open(): Promise<PurseManager> {
    if (this.#manager !== null) return this.#manager;
    const place = { disk: this.#disk, options: OPTIONS };
    const { version, last } = readOutcomes(this.#disk, DIRECTORY);
    for (;;) {
      const { program } = this;
      assert(program.version >= version, "no program opens what is there");
      this.#isUpdating = last > 0 && program.version > version;
      const manager = await opens(this.#ledger, place, program);
      this.#isUpdating = false;
      if (manager !== null) {
        this.#manager = manager;
        this.#follow(manager);
        return manager;
      }
      this.#countChanged(readOutcomes(this.#disk, DIRECTORY), program);
      this.#tally.state("open", "MUTATOR_CHANGED");
      this.#programs.shift();
    }
  }

  #countChanged(found: Found, program: Program): void {
    const opening = this.#ledger.foresee(found, program);
    if (!("changedAt" in opening)) return;
    this.#met(
      opening.undecided
        ? "undecided mutation refused by another version"
        : "accepted mutation refused now",
    );
  }

  #met(kind: Kind): void {
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1);
  }

  #follow(manager: PurseManager): void {
    const seen: unknown[] = [];
    const from = manager.sequence + 1;
    const follow = async () => {
      for await (const { mutation: { id, by }, refused } of manager.changes({ from })) {
        seen.push({ id, by, refused });
      }
    };
    const done = follow();
    // Looked at when the manager is closed; after a power cut, nobody waits for it.
    done.catch(() => undefined);
    this.#follower = { from, seen, done };
  }

  async #close(): Promise<void> {
    const [manager, follower] = [this.#manager, this.#follower];
    this.#manager = this.#follower = null;
    await manager?.close();
    if (follower === null) return;
    await follower.done;
    const { from, seen } = follower;
    assert.deepEqual(seen, this.#ledger.changes(this.program, from), "what a follower saw");
    const found = readOutcomes(this.#disk, DIRECTORY);
    this.#ledger.compare(found);
    assert(found.undecided === null || this.#isFull, "closed without a record of what became");
  }

  #restartOn(disk: PowerCutDisk): void {
    this.#disk = disk;
    this.#manager = this.#follower = null;
    this.#isUpdating = false;
  }

  async #look(manager: PurseManager, at: number): Promise<void> {
    await compareReaders(this.#ledger, manager, { disk: this.#disk }, this.program, at);
    this.#tally.state("look", "as it was");
  }

  /** A backup says what became of everything in it, to any program. */
  async #backUp(manager: PurseManager, beside: Calls, to: Change): Promise<void> {
    const directory = `/data/backup-${++this.#backups}`;
    const backup = manager.backup(directory);
    await this.#beside(backup, manager, beside);
    const { sequence } = await backup;
    const disk = cutOff(this.#disk.image());
    const found = readOutcomes(disk, directory);
    assert.equal(found.last, sequence, "the backup ends elsewhere");
    assert(found.undecided === null, "a backup leaves its last batch undecided");
    const ledger = this.#ledger.upTo(sequence);
    const copy = await opens(ledger, { disk, directory }, changed(this.program, to));
    await copy?.close();
    this.#tally.state("backup", copy === null ? "MUTATOR_CHANGED" : "as it was");
  }

  async #checkCut(): Promise<void> {
    this.cuts++;
    const disk = this.#disk;
    const operation = disk.log.at(-1)!.split(" ")[0]!;
    const { seed, to } = this.#cut!;
    for (const image of crashImages(disk, { imagesMax: IMAGES_MAX, seed })) {
      const found = readOutcomes(image, DIRECTORY);
      this.#countKinds(found);
      const other = changed(this.program, to);
      this.#countChanged(found, other);
      const chain = { ledger: this.#ledger, programs: this.#programs, other };
      for (const outcome of await checkImage(image, chain)) this.#tally.state(operation, outcome);
    }
    this.#restartOn(disk.powerCut(ANY_POWER_CUT, new Random(seed)));
    this.#isFull = false;
    this.#change(to);
  }

  #countKinds({ undecided, groups }: Found): void {
    if (this.#isUpdating) this.#met("power cut during an update");
    if (undecided === null) return;
    const [first, last] = undecided;
    const isRefused = (sequence: number) => this.#ledger.past[sequence - 1]?.refused === true;
    const open = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    if (!open.some(isRefused)) return;
    this.#met("power cut between a batch and the record of its refusals");
    if (groups.some(([from]) => from >= first && isRefused(from))) {
      this.#met("power cut in a group with refusals");
    }
  }
}

/** The program that follows another one. */
function changed({ version }: Program, { raise, ...rest }: Change): Program {
  return { ...rest, version: version + (raise ? 1 : 0) };
}
