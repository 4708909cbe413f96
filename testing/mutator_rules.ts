/**
 * Runs mutations through a mutator without a disk, and checks the rules that replay relies on.
 *
 * @module
 */

import { MutationRejectedError } from "../src/errors.ts";
import { messageOf } from "../src/failures.ts";
import { STATE_DEPTH_MAX } from "../src/format/format.ts";
import { parseExactly } from "../src/format/json_parse.ts";
import { copyJson, describeFlaw, findJsonFlaw } from "../src/format/json.ts";
import { StateMachine } from "../src/state/state_machine.ts";
import { firstDifference } from "./difference.ts";
import type { Drawn } from "./drawn.ts";
import { sketch } from "./outcome.ts";
import { type Subject, TouchedState } from "./subject.ts";
import { ELSEWHERE, HERE, howOf, inWorld, type Setting, type World } from "./world/world.ts";

/** The rules that a mutator can break. */
export type MutatorRule =
  | "deterministic"
  | "untouched"
  | "json"
  | "crash"
  | "migration"
  | "history";

/** Why a mutator is unfit for replay. */
export interface MutatorFlaw {
  /** The rule that it breaks. */
  rule: MutatorRule;
  /** A description of the flaw, as a sentence without its period. */
  found: string;
  /** The error that was thrown, if that is the flaw. */
  cause?: unknown;
}

/** The states and outcomes that a mutator produces: the model that every recovery is compared with. */
export interface Model {
  /** The state after k mutations, at index k. */
  states: unknown[];
  /** The outcome of mutation k + 1, at index k. */
  outcomes: Outcome[];
}

/** The outcome of one mutation. */
export interface Outcome {
  /** Whether the mutator threw. */
  rejected: boolean;
  /** What it returned, as far as that can be compared, or the message of what it threw. */
  result: unknown;
}

/** The parts of a mutation that a run needs. */
export type Journaled = Pick<Drawn<unknown>, "text" | "timestamp">;

/** Where a run begins: in the initial state, or from a snapshot. */
interface Start {
  from: number;
  state?: unknown;
}

/** Runs mutations from the initial state, or from a snapshot; with `null` as the setting, on the machine as it is. */
export function runModel<S, M>(
  subject: Subject<S, M>,
  setting: Setting | null,
  mutations: readonly Journaled[],
  start: Start = { from: 0 },
): Model | MutatorFlaw {
  const world = subject.world(setting ?? HERE);
  const run = () => runThrough(subject, world, mutations, start);
  try {
    return setting === null ? run() : inWorld(world, run);
  } catch (error) {
    return { rule: "deterministic", found: `initial() fails: ${messageOf(error)}`, cause: error };
  }
}

function runThrough<S, M>(
  subject: Subject<S, M>,
  world: World,
  mutations: readonly Journaled[],
  { from, state }: Start,
): Model | MutatorFlaw {
  const machine = new StateMachine<S, M, unknown>(subject.make()).begin();
  // As restored from a snapshot: only JSON survives, and no one else holds a reference to it.
  if (from > 0) machine.restore(copyJson(state), machine.version, from);
  const model: Model = { states: [structuredClone(machine.state)], outcomes: [] };
  for (const [index, mutation] of mutations.entries()) {
    if (index < from) continue;
    world.begin(mutation.timestamp);
    const outcome = runOne(machine, index + 1, mutation);
    if ("rule" in outcome) return outcome;
    const flaw = jsonFlaw(machine.state, index + 1) ?? laterFlaw(index + 1, world);
    if (flaw !== null) return flaw;
    model.outcomes.push(outcome);
    model.states.push(structuredClone(machine.state));
  }
  return model;
}

function jsonFlaw(state: unknown, sequence: number): MutatorFlaw | null {
  const flaw = findJsonFlaw(state, STATE_DEPTH_MAX);
  if (flaw === null) return null;
  return { rule: "json", found: `after mutation ${sequence}, in the state ${describeFlaw(flaw)}` };
}

/** Scheduled work runs outside the journal, and again on every replay. */
function laterFlaw(sequence: number, { scheduled }: World): MutatorFlaw | null {
  if (scheduled.length === 0) return null;
  return {
    rule: "deterministic",
    found:
      `in mutation ${sequence}, the mutator called ${
        scheduled[0]
      }: what runs later is not journaled, ` +
      "and every replay would schedule it again; do it after the manager's `apply` has resolved",
  };
}

function runOne<S, M>(
  machine: StateMachine<S, M, unknown>,
  sequence: number,
  { text, timestamp }: Journaled,
): Outcome | MutatorFlaw {
  const call = machine.call([text], ([applied]) => applied!.result);
  let result: unknown;
  try {
    call.judge?.(sequence, timestamp, true);
    result = call.settle(sequence, timestamp);
  } catch (error) {
    /* v8 ignore next -- it throws nothing else; a bug that does must not count as a refusal */
    if (!(error instanceof MutationRejectedError)) throw error;
    const { cause } = error;
    return cause instanceof TouchedState
      ? touched(sequence, cause)
      : { rejected: true, result: messageOf(cause) };
  }
  return { rejected: false, result: sketch(result) };
}

function touched(sequence: number, { message }: TouchedState): MutatorFlaw {
  return {
    rule: "untouched",
    found: `in mutation ${sequence}, reduce() changed the state that it received: ${message}; ` +
      "it must leave it alone and return another one",
  };
}

/** Runs mutations in every way that a replay may; returns the model, unless the outcome depends on the way. */
export async function replayEveryWay<S, M>(
  subject: Subject<S, M>,
  mutations: readonly Journaled[],
): Promise<Model | MutatorFlaw> {
  // First: later on, a live state would refuse such a change at some unrelated moment, and nothing would show why.
  const later = await laterChange(subject, mutations);
  if (later !== null) return later;
  const model = runModel(subject, HERE, mutations);
  if ("rule" in model) return model;
  const elsewhere = replayElsewhere(subject, mutations, model);
  if (elsewhere !== null) return elsewhere;
  for (let from = 1; from <= mutations.length; from++) {
    const start = { from, state: model.states[from] };
    const differs = compare(model, runModel(subject, HERE, mutations, start), from);
    if (differs === null) continue;
    return { rule: "deterministic", found: `replayed from a snapshot after ${from}, ${differs}` };
  }
  return model;
}

function replayElsewhere<S, M>(
  subject: Subject<S, M>,
  mutations: readonly Journaled[],
  model: Model,
): MutatorFlaw | null {
  const replay = (setting: Setting | null): MutatorFlaw | null => {
    const other = runModel(subject, setting, mutations);
    const differs = compare(model, other, 0);
    if (differs === null) return null;
    const { cause } = other as Partial<MutatorFlaw>;
    return { rule: "deterministic", found: `replayed ${howOf(setting)}, ${differs}`, cause };
  };
  for (const setting of [...ELSEWHERE, null]) {
    const flaw = replay(setting);
    // The setting itself may not make the difference: something kept in a variable may show late.
    if (flaw !== null) return replay(HERE) ?? flaw;
  }
  return null;
}

/** Replays the mutations, and looks for a change of the state after the last one has returned. */
async function laterChange<S, M>(
  subject: Subject<S, M>,
  mutations: readonly Journaled[],
): Promise<MutatorFlaw | null> {
  const machine = new StateMachine<S, M, unknown>(subject.make());
  const world = subject.world(HERE);
  let last: unknown;
  try {
    inWorld(world, () => {
      machine.begin();
      for (const [index, { text, timestamp }] of mutations.entries()) {
        world.begin(timestamp);
        tryToReplay(machine, index + 1, timestamp, text);
      }
    });
    last = structuredClone(machine.state);
  } catch {
    // What is wrong here is found again, and reported, when the model is run.
    return null;
  }
  await everythingScheduled();
  const changed = firstDifference(last, machine.state);
  if (changed === null) return null;
  const found = `after the last mutation had returned, the state changed: ${changed}; ` +
    "something that a mutation began runs later (a promise, a timer), outside the journal";
  return { rule: "deterministic", found };
}

function tryToReplay<S, M>(
  machine: StateMachine<S, M, unknown>,
  sequence: number,
  timestamp: number,
  text: string,
): void {
  try {
    machine.replay(sequence, timestamp, parseExactly(text), machine.version);
  } catch {
    // It is refused, or was found to change its state: running the model reports that.
    machine.skip(sequence);
  }
}

/** Waits until promises that depend on nothing else have settled, and what runs after them has run. */
async function everythingScheduled(): Promise<void> {
  // Not a timer: a program's tests may have replaced timers by ones that stand still. A message keeps the process
  // alive.
  const { port1, port2 } = new MessageChannel();
  await new Promise((resolve) => {
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
  port1.close();
  port2.close();
}

function compare(model: Model, other: Model | MutatorFlaw, from: number): string | null {
  if ("rule" in other) return other.found;
  const begun = firstDifference(model.states[from], other.states[0]);
  if (begun !== null) return `initial() returns a different state: ${begun}`;
  for (const [index, outcome] of other.outcomes.entries()) {
    const sequence = from + index + 1;
    const result = compareOutcomes(model.outcomes[from + index]!, outcome);
    if (result !== null) return `mutation ${sequence} ${result}`;
    const state = firstDifference(model.states[sequence], other.states[index + 1]);
    if (state !== null) return `mutation ${sequence} leads to a different state: ${state}`;
  }
  return null;
}

function compareOutcomes(was: Outcome, is: Outcome): string | null {
  if (was.rejected && is.rejected) {
    if (was.result === is.result) return null;
    return `is refused with a different message: it was "${was.result}" and is "${is.result}"`;
  }
  if (is.rejected) return `is refused, and was not before (${is.result})`;
  if (was.rejected) return `is not refused, and was before (${was.result})`;
  const result = firstDifference(was.result, is.result, "the result");
  return result === null ? null : `returns something else: ${result}`;
}
