// Makes cuts and examines what they leave, several boards at a time: the library's own, then the controls.

import { Random } from "../../testing/disk/random.ts";
import type { FileSystem } from "./boot_files.ts";
import type { Cards } from "./cards.ts";
import { type Claim, claimsAt, MEANINGS } from "./claims.ts";
import { CrashImages } from "./crash_images.ts";
import { type Boot, type Cut, type CutPlan, makeCut } from "./cut.ts";
import {
  type CrashState,
  drawStates,
  type Examination,
  type Examined,
  examineStates,
  rulesOf,
} from "./examine.ts";
import { keepFailure } from "./failures.ts";
import type { Judge } from "./judges.ts";
import { type ControlPlan, type Expected, planControl, planCut, planSecondCut } from "./plans.ts";
import type { ControlRow, RigResults } from "./results.ts";
import { sumTraffic, trafficOf } from "./traffic.ts";

/** What a campaign works with. */
export interface CampaignSetup {
  boot: Boot;
  cards: Cards;
  /** Returns a judge for a file system; one call at a time. */
  judgeOf(plan: CutPlan): Judge;
  statesPerCut: number;
  tearsCommits: boolean;
  /** The file system of everything; `null` for the usual share of each. */
  only: FileSystem | null;
  results: RigResults;
  /** Called after every crash state. */
  onProgress(): void;
}

/** A crash state of a first cut, from which the board starts again. */
interface Restart {
  card: Uint8Array;
  earlier: Claim[];
}

/** A board takes seconds for what this machine does in a twentieth of one, so it gets fewer states by this factor. */
const BOARD_SHARE = 4;
/** Controls that should be caught are given this many cuts for it: of a rare fault, a cut can show nothing at all. */
const CONTROL_CUTS_MAX = 8;
const CONTROL_STATES_MAX = 180;

/** One run of the rig. */
export class Campaign {
  readonly #setup: CampaignSetup;
  readonly #started = performance.now();

  constructor(setup: CampaignSetup) {
    this.#setup = setup;
  }

  /** Makes one cut, and one more while the board recovers from it. */
  async cut(number: number, withSecond: boolean): Promise<void> {
    const seed = this.#seedOf(number);
    const plan = planCut(number, seed, this.#setup.only);
    const card = this.#setup.cards.empty(plan.fileSystem, plan.subject);
    const restart = await this.#cutAndExamine(number, 1, plan, seed, { card, earlier: [] });
    if (!withSecond || restart === null) return;
    await this.#cutAndExamine(number, 2, planSecondCut(plan, seed), seed + 500, restart);
  }

  /** Makes one cut that only counts what the disk is asked for; its crash states are examined like any others. */
  async count(number: number, plan: CutPlan): Promise<void> {
    const card = this.#setup.cards.empty(plan.fileSystem, plan.subject);
    await this.#cutAndExamine(number, 1, plan, this.#seedOf(number), { card, earlier: [] });
  }

  #seedOf(number: number): number {
    return (this.#setup.results.seed + 1000 * number) >>> 0;
  }

  async #cutAndExamine(
    number: number,
    cutNumber: 1 | 2,
    plan: CutPlan,
    seed: number,
    { card, earlier }: Restart,
  ): Promise<Restart | null> {
    const { boot, results, statesPerCut, tearsCommits } = this.#setup;
    const name = `${number}-${cutNumber}-${plan.subject}-${plan.runtime}-${plan.fileSystem}`;
    const inWords = `cut ${number}${cutNumber === 2 ? ", during the recovery" : ""}: ` +
      `"${plan.subject}" on ${plan.runtime} and ${plan.fileSystem}`;
    const cut = await makeCut(boot, plan, card);
    const { subject, fileSystem } = plan;
    const examination: Examination = {
      saved: cut.saved,
      subject,
      fileSystem,
      earlier,
      ignoresFlushes: false,
      tearsCommits,
    };
    if (cut.problem !== null) {
      this.#fail(`${inWords}: ${cut.problem}`, name, cut, examination, {
        moment: cut.saved.log.length,
        seed,
        detail: `The end of the board's console:\n${cut.console.slice(-2000)}`,
      });
    }
    const count = fileSystem === "ext4" ? statesPerCut : Math.ceil(statesPerCut / BOARD_SHARE);
    const states = drawStates(cut.saved, count, seed);
    const row = {
      ...plan,
      number,
      cut: cutNumber,
      seed,
      traffic: trafficOf(cut.saved.log),
      problem: cut.problem,
      verdicts: {},
      outcomes: {},
      states: 0,
      seconds: 0,
    };
    results.cuts.push(row);
    await examineStates(examination, states, this.#setup.judgeOf(plan), (state) => {
      this.#note(row, state);
      if (state.verdict !== "sound") {
        this.#fail(`${inWords}: ${MEANINGS[state.verdict]}`, name, cut, examination, state);
      }
    });
    row.seconds = (performance.now() - this.#started) / 1000;
    this.#setup.onProgress();
    return restartFrom(examination, states, seed);
  }

  #note(
    row: { verdicts: Record<string, number>; outcomes: Record<string, number>; states: number },
    { verdict, outcome }: Examined,
  ): void {
    row.states++;
    row.verdicts[verdict] = (row.verdicts[verdict] ?? 0) + 1;
    if (verdict === "sound") row.outcomes[outcome] = (row.outcomes[outcome] ?? 0) + 1;
    this.#setup.onProgress();
  }

  #fail(
    what: string,
    name: string,
    cut: Cut,
    examination: Examination,
    state: CrashState & { detail: string },
  ): void {
    const folder = `${this.#setup.results.seed}-${name}-${state.moment}-${state.seed}`;
    const replay = keepFailure(folder, cut, examination, state);
    this.#setup.results.failures.push({ what, detail: state.detail, replay });
  }

  /** Cuts a known writer until it is caught or has passed. */
  async control(number: number, control: ControlPlan): Promise<void> {
    const { subject, expected, expectedOfLiar } = control;
    const rows = [
      this.#controlRow(subject, expected, false),
      ...(expectedOfLiar === null ? [] : [this.#controlRow(subject, expectedOfLiar, true)]),
    ];
    for (
      let turn = 0;
      turn < CONTROL_CUTS_MAX && !rows.every((row) => this.#isDecided(row));
      turn++
    ) {
      const seed = this.#seedOf(number) + turn;
      const plan = planControl(control, this.#setup.only);
      const card = this.#setup.cards.empty(plan.fileSystem, subject);
      const cut = await makeCut(this.#setup.boot, plan, card);
      for (const row of rows) await this.#tryControl(row, plan, cut, seed);
    }
    for (const row of rows) this.#concludeControl(row);
  }

  #controlRow(subject: string, expected: Expected, ignoresFlushes: boolean): ControlRow {
    const row: ControlRow = {
      subject,
      ignoresFlushes,
      expected,
      states: 0,
      failed: 0,
      example: "",
      asExpected: false,
      traffic: sumTraffic([]),
    };
    this.#setup.results.controls.push(row);
    return row;
  }

  async #tryControl(row: ControlRow, plan: CutPlan, cut: Cut, seed: number): Promise<void> {
    const { subject, ignoresFlushes } = row;
    row.traffic = sumTraffic([row.traffic, trafficOf(cut.saved.log)]);
    const examination: Examination = {
      saved: cut.saved,
      subject,
      fileSystem: plan.fileSystem,
      earlier: [],
      ignoresFlushes,
      tearsCommits: false,
    };
    for (const states of inParts(drawStates(cut.saved, CONTROL_STATES_MAX, seed))) {
      if (this.#isDecided(row)) return;
      await examineStates(examination, states, this.#setup.judgeOf(plan), (state) => {
        row.states++;
        if (state.verdict === "sound") return;
        row.failed++;
        row.example ||= `${MEANINGS[state.verdict]}: ${state.detail}`;
      });
      this.#setup.onProgress();
    }
  }

  /** One that should pass must do so in as many crash states as are examined for a cut of the library. */
  #isDecided({ expected, failed, states }: ControlRow): boolean {
    return failed > 0 || (expected === "passes" && states >= this.#setup.statesPerCut);
  }

  #concludeControl(row: ControlRow): void {
    const { subject, ignoresFlushes, expected, failed, states, example } = row;
    row.asExpected = (failed > 0) === (expected === "caught") && states > 0;
    if (row.asExpected) return;
    const { results } = this.#setup;
    const where = ignoresFlushes ? " on a disk that ignores flushes" : "";
    results.failures.push({
      what: `control "${subject}"${where}: ${
        expected === "caught"
          ? "the rig did not notice that it loses data"
          : "it is known to be right, and was found wrong"
      }`,
      detail: example || `${states} crash states were all as they must be`,
      replay: results.command,
    });
  }
}

/** Parts in which each moment is later than the one before, so that each part takes one pass through the log. */
function inParts(states: CrashState[]): CrashState[][] {
  const parts = 6;
  return Array.from({ length: parts }, (_, part) => states.filter((_, i) => i % parts === part));
}

/** The card as one of the states left it. */
function restartFrom(
  examination: Examination,
  states: readonly CrashState[],
  seed: number,
): Restart | null {
  const { saved, earlier } = examination;
  const random = new Random(seed);
  // Not the earliest ones, in which there is nothing to recover yet.
  const state = states[Math.floor(states.length * (0.3 + 0.7 * random.next()))];
  if (state === undefined) return null;
  const card = new CrashImages(saved, rulesOf(examination))
    .imageAt(state.moment, new Random(state.seed));
  return { card, earlier: claimsAt(saved.log, state.moment, earlier) };
}
