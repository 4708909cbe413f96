/**
 * Makes calls, one after the other or together, and compares each answer with what the program must say: every call is
 * judged on what those before it left.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MinistateError, MutationRejectedError, type StateManager } from "@ministate/ministate";
import { isPowerCut } from "../testing/disk/disk_calls.ts";
import type { Ledger } from "./outcomes_model.ts";
import { after, type By, judge, type Program, type Purse } from "./outcomes_program.ts";

/** A manager of either style. */
export type PurseManager = StateManager<Purse, By, unknown>;

/** How calls are made. */
export interface Making {
  program: Program;
  /** Whether one waits for the other. */
  together: boolean;
  /** Whether the disk may be full. */
  mayFail: boolean;
}

type Answer = { applied: { sequence: number; result: unknown }[] } | { error: unknown };

/** Makes calls and notes what came of them. Throws what a power cut throws, once all is noted. */
export async function makeCalls(
  manager: PurseManager,
  ledger: Ledger,
  calls: By[][],
  making: Making,
): Promise<void> {
  const answers: Answer[] = [];
  let state = manager.snapshot() as Purse;
  const answering: Promise<Answer>[] = [];
  for (const call of calls) {
    const answer = callOf(manager, call);
    answering.push(answer);
    if (!making.together) await answer;
  }
  answers.push(...await Promise.all(answering));
  let cut: unknown = null;
  for (const [i, answer] of answers.entries()) {
    const call = calls[i]!;
    if ("error" in answer && isOpen(answer.error)) {
      cut ??= answer.error;
      ledger.open.push(call);
    } else if (cut === null) {
      state = note(ledger, state, call, answer, making);
    } else {
      // What follows a call without an answer was refused before it was written, or never written.
      assert("error" in answer, "acknowledged after a call that was not answered");
    }
  }
  // A batch that never became durable has not changed it.
  assert.deepEqual(manager.state, state, "the live state");
  if (cut !== null) throw cut;
  assert.equal(manager.sequence, ledger.past.length, "the live sequence");
}

function callOf(manager: PurseManager, call: By[]): Promise<Answer> {
  const calling = call.length === 1
    ? manager.apply(call[0]!).then((applied) => [applied])
    : manager.applyAll(call);
  return calling.then((applied) => ({ applied }), (error) => ({ error }));
}

function isOpen(error: unknown): boolean {
  return isPowerCut(error) ||
    error instanceof MinistateError && ["POISONED", "IO_FAILED"].includes(error.code);
}

/** Compares one answer; returns the state after it. */
function note(ledger: Ledger, state: Purse, call: By[], answer: Answer, making: Making): Purse {
  const { program, together, mayFail } = making;
  const { past } = ledger;
  const { version, style } = program;
  const first = past.length + 1;
  const { reached, results, verdict } = run(program, state, call, first);
  const at = results.length;
  if ("applied" in answer) {
    assert.equal(verdict, "accepted", `${JSON.stringify(call)} was accepted`);
    assert.deepEqual(answer.applied.map(({ sequence }) => sequence), call.map((_, i) => first + i));
    const given = answer.applied.map(({ result }) =>
      typeof result === "number" ? result : (result as Purse).n
    );
    assert.deepEqual(given, results, "the results");
    for (const mutation of call) past.push({ mutation, version, refused: false });
    ledger.saw(past.length, reached);
    return reached;
  }
  const { error } = answer;
  if (error instanceof MinistateError && error.code === "DISK_FULL" && mayFail) return state;
  if (!(error instanceof MutationRejectedError)) throw error;
  assert.notEqual(verdict, "accepted", `${JSON.stringify(call)} was refused`);
  const isEarly = style !== "late" && (verdict === "early" || call.length > 1);
  if (error.sequence === null) {
    assert(isEarly, `${style} refused ${JSON.stringify(call)} before it was written`);
    return state;
  }
  assert(style !== "reducer", "a reducer's refusal was written");
  assert(together || !isEarly, "it was written although nothing else was under way");
  assert.equal(error.sequence, first + at, "another mutation was refused");
  for (const mutation of call) past.push({ mutation, version, refused: true });
  ledger.saw(past.length, state);
  return state;
}

/** Runs a call in the model, up to the first mutation that is refused. */
function run(program: Program, begin: Purse, call: By[], first: number) {
  let reached = begin;
  const results: number[] = [];
  for (const [i, mutation] of call.entries()) {
    const verdict = judge(program, reached.n, mutation.by);
    if (verdict !== "accepted") return { reached: begin, results, verdict };
    reached = after(program, reached, mutation, first + i);
    results.push(reached.n);
  }
  return { reached, results, verdict: "accepted" as const };
}
