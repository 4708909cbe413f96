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
import { Follower } from "./outcomes_follower.ts";
import { checkBackup, checkImage, OPTIONS } from "./outcomes_images.ts";
import { readOutcomes } from "./outcomes_journal.ts";
import { type Kind, type Kinds, meet, meetChanged, meetCut } from "./outcomes_kinds.ts";
import { Ledger } from "./outcomes_model.ts";
import { compareReaders, opens } from "./outcomes_oracle.ts";
import { type By, FIRST } from "./outcomes_program.ts";
import { changed, Programs } from "./outcomes_programs.ts";
import { assertKept, rollsBack } from "./outcomes_roll_back.ts";
import type { Calls, Change, Ending, OutcomeStep } from "./outcomes_steps.ts";
import { verifyBeside, verifyLive } from "./outcomes_verify.ts";
import type { Tally } from "./tally.ts";
import { DIRECTORY, within } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** How many images of each power cut are checked, beside the extreme ones. */
const IMAGES_MAX = 4;
/** Runs steps. Throws at the first result that is not as it must be. */
export class OutcomeHistory {
  readonly #tally: Tally;
  readonly #kinds: Kinds;
  #disk = freshDisk();
  #ledger = new Ledger();
  #manager: PurseManager | null = null;
  #programs = new Programs();
  #nextId = 1;
  #backups = 0;
  /** How often the power was cut. */
  cuts = 0;
  #isFull = false;
  #isUpdating = false;
  /** Whether there may be something to replay. */
  #hasTail = true;
  #cut: { seed: number; to: Change } | null = null;
  #follower: Follower | null = null;

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
      case "roll back":
        await this.#end(step.how);
        this.#disk.spaceLeft = Infinity;
        this.#isFull = false;
        if (step.do === "restart") this.#programs.change(step.to);
        else this.#programs.fallBack(this.#disk, this.#ledger.past.length);
        if (step.cut !== null) this.#cutAfter(step.cut, step);
        else if (this.#programs.newer === null) return;
        return void await this.#open();
      default:
        return await this.#use(step, await this.#open());
    }
  }

  async #end(how: Ending): Promise<void> {
    if (how === "crash") this.#restartOn(this.#disk.crash());
    else await this.#close(how === "snapshot");
  }

  #cutAfter(calls: number, cut: { seed: number; to: Change }): void {
    this.#cut = cut;
    this.#disk.cutAt = this.#disk.calls + calls + 1;
  }

  async #use(
    step: Exclude<OutcomeStep, { do: "cut" | "full" | "restart" | "roll back" }>,
    manager: PurseManager,
  ): Promise<void> {
    switch (step.do) {
      case "calls":
        return await this.#calls(manager, step.calls, step.together, step.padSize);
      case "look":
        return await this.#look(manager, step.at);
      case "verify":
        return await this.#verify(manager, step.beside, step.to);
      case "backup":
        return await this.#backUp(manager, step.beside, step.to);
      default: {
        const done = step.do === "snapshot" ? manager.createSnapshot() : manager.compact();
        await this.#beside(done, manager, step.beside);
      }
    }
  }

  async #calls(manager: PurseManager, calls: Calls, together: boolean, padSize = 0): Promise<void> {
    const program = this.#programs.current;
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

  async #open(): Promise<PurseManager> {
    while (this.#manager === null) {
      const isRollBack = this.#programs.newer !== null;
      this.#manager = await (isRollBack ? this.#rollBack() : this.#start());
      if (this.#manager !== null) this.#follower = new Follower(this.#manager);
    }
    return this.#manager;
  }

  /** Opens with the latest program; `null` when it must not open what is there. */
  async #start(): Promise<PurseManager | null> {
    const program = this.#programs.current;
    const found = readOutcomes(this.#disk, DIRECTORY);
    assert(program.version >= found.version, "no program opens what is there");
    const hasTail = this.#hasTail;
    // Should the power go: on FAT, the snapshot may lose its name when an update replaces it.
    this.#hasTail = true;
    this.#isUpdating = found.last > 0 && program.version > found.version;
    const manager = await opens(this.#ledger, { disk: this.#disk, options: OPTIONS }, program);
    this.#isUpdating = false;
    if (manager === null) {
      assert(hasTail, "nothing was left to replay, and the program refused it");
      meetChanged(this.#kinds, this.#ledger.foresee(found, program));
      this.#tally.state("open", "MUTATOR_CHANGED");
      assert(this.#programs.giveUp(), "no program opens what is there");
      return null;
    }
    const { replayed, snapshot } = manager.recovery;
    if (!hasTail) {
      assert.deepEqual([replayed, snapshot?.sequence ?? 0], [0, found.last], "a tail was left");
    }
    return manager;
  }

  /** Opens with an older program; `null` when it can't, and then the newer one is asked again. */
  async #rollBack(): Promise<PurseManager | null> {
    const programs = this.#programs;
    this.#hasTail = true;
    const place = { disk: this.#disk, options: OPTIONS };
    const manager = await rollsBack(this.#ledger, place, programs.current);
    this.#tally.state("roll back", typeof manager === "string" ? manager : "opened");
    if (typeof manager === "string") {
      if (manager === "MUTATOR_CHANGED" && programs.giveUp()) return null;
      programs.updateAgain();
      return null;
    }
    programs.settle();
    assertKept(this.#disk, programs.kept);
    if (programs.kept.size > 0) this.#met("rolled back");
    return manager;
  }

  #met(kind: Kind): void {
    meet(this.#kinds, kind);
  }

  async #close(snapshot: boolean): Promise<void> {
    const [manager, follower] = [this.#manager, this.#follower];
    this.#manager = this.#follower = null;
    const failure = await manager?.close({ snapshot }).then(() => null, (error) => error);
    // Without space for the snapshot, it is closed all the same.
    if (failure && !(this.#isFull && failure.code === "DISK_FULL")) throw failure;
    if (follower === null) return;
    if (snapshot && failure === null) {
      this.#hasTail = false;
      this.#met("nothing left to replay");
    }
    await follower.compare(this.#ledger, this.#programs.current);
    const found = readOutcomes(this.#disk, DIRECTORY);
    this.#ledger.compare(found);
    assert(found.undecided === null || this.#isFull, "closed without a record of what became");
  }

  #restartOn(disk: PowerCutDisk): void {
    this.#disk = disk;
    if (this.#manager !== null) this.#hasTail = true;
    this.#manager = this.#follower = null;
    this.#isUpdating = false;
  }

  async #look(manager: PurseManager, at: number): Promise<void> {
    await compareReaders(this.#ledger, manager, { disk: this.#disk }, this.#programs.current, at);
    this.#tally.state("look", "as it was");
  }

  /** Verifies the past with the program that runs, and with another one beside it. */
  async #verify(manager: PurseManager, beside: Calls, to: Change): Promise<void> {
    const past = { ledger: this.#ledger, disk: this.#disk, program: this.#programs.current };
    const verdicts = {
      verify: await verifyLive(past, manager, (done) => this.#beside(done, manager, beside)),
      "verify beside": await verifyBeside({ ...past, program: changed(past.program, to) }),
    };
    for (const [who, verdict] of Object.entries(verdicts)) {
      this.#tally.state(who, verdict);
      if (verdict === "agrees") this.#met("an honest past verified");
      if (verdict === "another effect") this.#met("another effect found");
    }
  }

  async #backUp(manager: PurseManager, beside: Calls, to: Change): Promise<void> {
    const directory = `/data/backup-${++this.#backups}`;
    const backup = manager.backup(directory);
    await this.#beside(backup, manager, beside);
    const { sequence } = await backup;
    const program = changed(this.#programs.current, to);
    const copy = await checkBackup(this.#disk, directory, this.#ledger.upTo(sequence), program);
    this.#tally.state("backup", copy);
  }

  async #checkCut(): Promise<void> {
    this.cuts++;
    const disk = this.#disk;
    const operation = disk.log.at(-1)!.split(" ")[0]!;
    const { seed, to } = this.#cut!;
    const { all, newer, kept } = this.#programs;
    const other = this.#programs.following(to);
    for (const image of crashImages(disk, { imagesMax: IMAGES_MAX, seed })) {
      if (this.#isUpdating) this.#met("power cut during an update");
      if (newer !== null) this.#met("power cut during a roll-back");
      else {
        const found = readOutcomes(image, DIRECTORY);
        meetCut(this.#kinds, this.#ledger, found);
        meetChanged(this.#kinds, this.#ledger.foresee(found, other));
      }
      const chain = { ledger: this.#ledger, programs: all, other, newer, kept };
      for (const outcome of await checkImage(image, chain)) this.#tally.state(operation, outcome);
    }
    this.#restartOn(disk.powerCut(ANY_POWER_CUT, new Random(seed)));
    this.#isFull = false;
    this.#programs.change(to);
  }
}
