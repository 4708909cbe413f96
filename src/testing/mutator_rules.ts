/**
 * Runs mutations through a mutator without any disk, and checks the rules that replay relies on.
 *
 * @module
 */

import { STATE_DEPTH_MAX } from "../format/format.ts";
import { copyJson, describeFlaw, findJsonFlaw } from "../format/json.ts";
import { parseExactly } from "../format/json_parse.ts";
import { messageOf, type MutationRejectedError } from "../errors.ts";
import { type Mutator, type Reducer, StateMachine } from "../state/mutator.ts";
import { firstDifference } from "./difference.ts";
import { laterAndUnluckier } from "./other_world.ts";

/** A mutator in either style. */
export type AnyMutator<S, M> = Mutator<S, M> | Reducer<S, M>;

/** Why a mutator is not fit for replay. */
export interface Flaw {
  /** The rule it breaks. */
  rule: "deterministic" | "untouched" | "json" | "crash" | "migration";
  /** What was found, as a sentence without its end. */
  found: string;
}

/** What a mutator makes of mutations: the model that every recovery is compared with. */
export interface Model {
  /** The state after k mutations, at index k. */
  states: unknown[];
  /** The outcome of mutation k + 1, at index k. */
  outcomes: Outcome[];
}

/** What became of one mutation. */
export interface Outcome {
  /** Whether the mutator threw. */
  rejected: boolean;
  /** What it returned, as JSON has it, or the message of what it threw. */
  result: unknown;
}

/** The clock of every simulated machine stands still, so that a model knows every record's timestamp. */
export const TIMESTAMP = 0;

/** Runs mutations from the initial state. The mutations themselves are never given away: each run gets copies. */
export function runModel<S, M>(
  mutator: AnyMutator<S, M>,
  mutations: readonly M[],
): Model | Flaw {
  return goOn(new StateMachine(mutator), mutations, 0);
}

function goOn<S, M>(
  machine: StateMachine<S, M, unknown>,
  mutations: readonly M[],
  from: number,
): Model | Flaw {
  const model: Model = { states: [structuredClone(machine.state)], outcomes: [] };
  for (let index = from; index < mutations.length; index++) {
    const before = model.states.at(-1);
    const outcome = runOne(machine, index + 1, structuredClone(mutations[index]!));
    const flaw = findJsonFlaw(machine.state, STATE_DEPTH_MAX);
    if (flaw !== null) {
      return {
        rule: "json",
        found: `after mutation ${index + 1}, in the state ${describeFlaw(flaw)}`,
      };
    }
    const touched = outcome.rejected ? firstDifference(before, machine.state) : null;
    if (touched !== null) {
      return {
        rule: "untouched",
        found: `mutation ${
          index + 1
        } was refused (${outcome.result}), but had changed the state first: ${touched}`,
      };
    }
    model.outcomes.push(outcome);
    model.states.push(structuredClone(machine.state));
  }
  return model;
}

function runOne<S, M>(
  machine: StateMachine<S, M, unknown>,
  sequence: number,
  mutation: M,
): Outcome {
  try {
    const result = machine.run(sequence, TIMESTAMP, mutation);
    // Compared as JSON: a result may be anything, and what it has beyond that is the program's own affair.
    return { rejected: false, result: parseExactly(JSON.stringify(result) ?? "null") };
  } catch (error) {
    // It throws nothing else.
    const { cause } = error as MutationRejectedError;
    return { rejected: true, result: messageOf(cause) };
  }
}

/** Runs mutations in every way that a replay may; gives the model, unless the outcome depends on the way. */
export function examine<S, M>(mutator: AnyMutator<S, M>, mutations: readonly M[]): Model | Flaw {
  const model = runModel(mutator, mutations);
  if ("rule" in model) return model;
  const again = laterAndUnluckier(() => runModel(mutator, mutations));
  const differs = compare(model, again, 0);
  if (differs !== null) {
    return { rule: "deterministic", found: `replayed at another time, ${differs}` };
  }
  for (let from = 0; from <= mutations.length; from++) {
    const machine = new StateMachine(mutator);
    // As a snapshot gives it back: nothing but JSON survives, and nobody else holds it.
    machine.restore(copyJson(model.states[from]), machine.version, from);
    const differs = compare(model, goOn(machine, mutations, from), from);
    if (differs !== null) {
      return { rule: "deterministic", found: `replayed from a snapshot after ${from}, ${differs}` };
    }
  }
  return model;
}

function compare(model: Model, other: Model | Flaw, from: number): string | null {
  if ("rule" in other) return other.found;
  for (const [index, outcome] of other.outcomes.entries()) {
    const sequence = from + index + 1;
    const result = firstDifference(model.outcomes[from + index], outcome, "outcome");
    if (result !== null) return `mutation ${sequence} has another outcome: ${result}`;
    const state = firstDifference(model.states[sequence], other.states[index + 1]);
    if (state !== null) return `mutation ${sequence} leads to another state: ${state}`;
  }
  return null;
}
