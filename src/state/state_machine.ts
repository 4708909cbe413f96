/**
 * Holds a state and runs mutations on it: live, where the program may refuse them, and on a replay, where the journal
 * says what became of them.
 *
 * @module
 */

import { InvalidStateError, MigrationError, MutationRejectedError } from "../errors.ts";
import { messageOf } from "../failures.ts";
import { STATE_DEPTH_MAX } from "../format/format.ts";
import { copyJson, describeFlaw, findJsonFlaw } from "../format/json.ts";
import { parseExactly } from "../format/json_parse.ts";
import type { Batch } from "../format/scan.ts";
import { addRange, rangeOf, type SequenceSpan } from "../format/ranges.ts";
import { encodeState } from "../format/snapshot_encode.ts";
import type { BatchPlace, Call } from "../journal/group_commit.ts";
import { CallInTurn } from "./call_in_turn.ts";
import { carryOver } from "./carry_over.ts";
import { Draft } from "./draft.ts";
import { freezeDeeply } from "./freeze.ts";
import { checkMutator } from "./mutator.ts";
import {
  check,
  mutatorChanged,
  reduce,
  refused,
  refusedUnwritten,
  refusePromise,
} from "./outcomes.ts";
import type { StandardSchema } from "./standard_schema.ts";
import { type Applied, DROP, IN_PLACE, type MutationContext } from "./types.ts";
import type { RunnableMutator as Mutator, RunnableReducer as Reducer } from "./types.ts";

/** Holds the state and runs mutations on it. */
export class StateMachine<S, M, R> {
  readonly #mutator: Mutator<S, M, R> | Reducer<S, M>;
  readonly name: string | null;
  readonly version: number;
  state!: S;
  #begun = false;
  /** The sequence of the last mutation, whether it was accepted or refused. */
  sequence = 0;
  /** The state that a reducer has reached ahead of the journal. */
  #ahead!: S;

  constructor(mutator: Mutator<S, M, R> | Reducer<S, M>) {
    checkMutator(mutator);
    this.#mutator = mutator;
    this.name = mutator.name ?? null;
    this.version = mutator.version ?? 1;
  }

  /** Begins a new state, unless there is one already. For an existing state, initial() is not called. */
  begin(): this {
    if (!this.#begun) this.state = this.initial();
    this.#begun = true;
    return this;
  }

  get schema(): StandardSchema<unknown, M> | undefined {
    return this.#mutator.schema;
  }

  /** A fresh initial state that no one else holds a reference to. */
  initial(): S {
    const state: unknown = this.#mutator.initial();
    const flaw = findJsonFlaw(state, STATE_DEPTH_MAX);
    if (flaw !== null) {
      throw new InvalidStateError(
        `The mutator's initial() returns a state in which ${
          describeFlaw(flaw)
        }, which JSON can't hold: keep only JSON values in the state`,
      );
    }
    return copyJson(state) as S;
  }

  /** A new machine for the same mutator, without a state. */
  fresh(): StateMachine<S, M, R> {
    return new StateMachine(this.#mutator);
  }

  /** Starts over from a state that was stored, migrated from the version that wrote it. */
  restore(state: unknown, version: number, sequence: number): void {
    this.state = this.migrate(state, version);
    this.sequence = sequence;
    this.#begun = true;
  }

  /**
   * Migrates a state of an older version to this one.
   *
   * @throws {MigrationError} when that fails
   */
  migrate(state: unknown, version: number): S {
    return carryOver(this.#mutator, "state", version, state) as S;
  }

  /**
   * Makes the call that journals and runs mutations: all of them, or none when one is refused.
   *
   * @param texts the mutations as JSON
   * @param resultOf makes the call's result
   */
  call<T>(texts: string[], resultOf: (applied: Applied<R>[]) => T): Call<T> {
    const mutator = this.#mutator;
    if (!("reduce" in mutator)) return new CallInTurn(this, texts, resultOf);
    if (!(IN_PLACE in mutator)) return this.#callAhead(mutator, texts, resultOf);
    if (texts.length > 1) {
      throw new TypeError("A reducer that changes its state in place can't take back half a group");
    }
    return new CallInTurn(this, texts, resultOf);
  }

  /** Asks `check` about a call at the head of a batch. Only there is it known which state the call will meet. */
  judge(texts: string[], place: BatchPlace): void {
    const mutator = this.#mutator;
    if (!("reduce" in mutator) && mutator.check !== undefined) this.#judge(mutator, texts, place);
  }

  /** Runs the mutations of a call, now that they are durable. */
  runInTurn(texts: string[], sequenceFirst: number, timestamp: number): Applied<R>[] {
    const mutator = this.#mutator;
    this.sequence = sequenceFirst + texts.length - 1;
    if ("reduce" in mutator) {
      const context = { sequence: sequenceFirst, timestamp };
      return [this.#reduceInTurn(mutator, parseExactly(texts[0]!) as M, context)];
    }
    if (texts.length === 1) {
      return [this.#attemptOne(mutator, texts[0]!, sequenceFirst, timestamp)];
    }
    const mutations = texts.map(parseExactly) as M[];
    return this.#attempt(mutator, mutations, { sequenceFirst, timestamp });
  }

  /** A reducer runs before its mutations are written; the state that it returned takes effect once they are. */
  #callAhead<T>(
    reducer: Reducer<S, M>,
    texts: string[],
    resultOf: (applied: Applied<R>[]) => T,
  ): Call<T> {
    const applied: Applied<R>[] = [];
    return {
      texts,
      judge: (first, timestamp, isHead) => {
        // A change in place would be visible before it is durable.
        let state = isHead ? freezeDeeply(this.state) : this.#ahead;
        for (const [i, text] of texts.entries()) {
          const context = { sequence: first + i, timestamp };
          try {
            state = freezeDeeply(reduce(reducer, state, parseExactly(text) as M, context));
          } catch (cause) {
            throw refusedUnwritten(cause);
          }
          applied.push({ sequence: context.sequence, result: state as unknown as R });
        }
        this.#ahead = state;
      },
      settle: (first) => {
        this.sequence = first + texts.length - 1;
        this.state = applied[applied.length - 1]!.result as unknown as S;
        return resultOf(applied);
      },
    };
  }

  /** Runs a reducer that changes the state in place, once its mutation is written. */
  #reduceInTurn(reducer: Reducer<S, M>, mutation: M, context: MutationContext): Applied<R> {
    const { sequence } = context;
    try {
      this.state = reduce(reducer, this.state, mutation, context);
      return { sequence, result: this.state as unknown as R };
    } catch (cause) {
      throw refused(cause, sequence, 1);
    }
  }

  /** Checks a call on the state that it will meet; in a group, each mutation on the state that those before it leave. */
  #judge(mutator: Mutator<S, M, R>, texts: string[], place: BatchPlace): void {
    const mutations = texts.map(parseExactly) as M[];
    const draft = new Draft(this.state);
    let refusal: { cause: unknown } | null = null;
    try {
      if (mutations.length > 1) {
        this.#runOn(draft, mutator, mutations, place, []);
      } else {
        const { sequenceFirst: sequence, timestamp } = place;
        check(mutator, draft, mutations[0]!, { sequence, timestamp });
      }
    } catch (cause) {
      refusal = { cause };
    }
    const cause = draft.undo(refusal?.cause);
    if (refusal !== null) throw refusedUnwritten(cause);
  }

  /** Like {@linkcode StateMachine.#attempt} for a single mutation, of which there are many per second. */
  #attemptOne(
    mutator: Mutator<S, M, R>,
    text: string,
    sequence: number,
    timestamp: number,
  ): Applied<R> {
    const mutation = parseExactly(text) as M;
    const draft = new Draft(this.state);
    try {
      const context = { sequence, timestamp };
      if (mutator.check !== undefined) check(mutator, draft, mutation, context);
      const result = draft.commit(refusePromise(mutator.apply(draft.root, mutation, context)));
      return { sequence, result };
    } catch (cause) {
      throw refused(draft.undo(cause), sequence, 1);
    }
  }

  /**
   * Runs mutations that may be refused: all of them, or none.
   *
   * @throws {MutationRejectedError} when the program refuses one; the state is as it was
   */
  #attempt(
    mutator: Mutator<S, M, R>,
    mutations: (M | typeof DROP)[],
    place: BatchPlace,
  ): Applied<R>[] {
    const draft = new Draft(this.state);
    const results: unknown[] = [];
    try {
      this.#runOn(draft, mutator, mutations, place, results);
      const { sequenceFirst } = place;
      const plain = draft.commit(results) as R[];
      return plain.map((result, i) => ({ sequence: sequenceFirst + i, result }));
    } catch (cause) {
      // If all were run, the draft itself can't be kept; the last one is the best guess at the cause.
      const sequence = place.sequenceFirst + Math.min(results.length, mutations.length - 1);
      throw refused(draft.undo(cause), sequence, mutations.length);
    }
  }

  /** Runs mutations on a draft of the state, up to the first that is refused. */
  #runOn(
    draft: Draft<S>,
    mutator: Mutator<S, M, R>,
    mutations: (M | typeof DROP)[],
    { sequenceFirst, timestamp }: BatchPlace,
    results: unknown[],
  ): void {
    for (const [i, mutation] of mutations.entries()) {
      if (mutation === DROP) {
        results.push(undefined);
        continue;
      }
      const context = { sequence: sequenceFirst + i, timestamp };
      check(mutator, draft, mutation, context);
      results.push(refusePromise(mutator.apply(draft.root, mutation, context)));
    }
  }

  /**
   * Migrates a mutation of an older version to this one.
   *
   * @returns `DROP` for one that has no place in this version
   */
  carryOver(mutation: unknown, version: number): M | typeof DROP {
    return carryOver(this.#mutator, "mutation", version, mutation) as M | typeof DROP;
  }

  /** Passes over a mutation that was refused. */
  skip(sequence: number): void {
    this.sequence = sequence;
  }

  /**
   * Replays a mutation that was accepted, of this version or an older one.
   *
   * @throws {MutatorChangedError} when the program refuses it now
   * @throws {MigrationError} when it is of an older version and can't be migrated
   */
  replay(sequence: number, timestamp: number, mutation: unknown, version: number): void {
    this.sequence = sequence;
    const current = this.carryOver(mutation, version);
    if (current === DROP) return;
    const mutator = this.#mutator;
    const context = { sequence, timestamp };
    try {
      if ("reduce" in mutator) this.state = reduce(mutator, this.state, current, context);
      else refusePromise(mutator.apply(this.state, current, context));
    } catch (cause) {
      throw mutatorChanged(sequence, version, cause, false);
    }
  }

  /**
   * Replays a batch whose outcome no line records, in the same way as it would have run live.
   *
   * @param from the first sequence to run
   * @returns the mutations that the program refuses
   * @throws {MutatorChangedError} when it is of an older version and the program refuses it now, or of a reducer, which
   * accepts before anything is written
   */
  replayUndecided(batch: Batch, version: number, from: number): SequenceSpan[] {
    const { sequenceFirst, sequenceLast, timestamp, mutations, groups } = batch;
    const mutator = this.#mutator;
    const refusals: SequenceSpan[] = [];
    for (let first = Math.max(from, sequenceFirst); first <= sequenceLast;) {
      const last = rangeOf(groups, first)?.[1] ?? first;
      const members = mutations.slice(first - sequenceFirst, last + 1 - sequenceFirst);
      this.sequence = first;
      if ("reduce" in mutator && !(IN_PLACE in mutator)) {
        for (const [i, mutation] of members.entries()) {
          this.replay(first + i, timestamp, mutation, version);
        }
      } else if (!this.#runAgain(members, { sequenceFirst: first, timestamp }, version)) {
        addRange(refusals, first, last);
      }
      first = last + 1;
    }
    // The snapshot that replay began with may be later.
    this.sequence = Math.max(this.sequence, sequenceLast);
    return refusals;
  }

  /** Runs the mutations of one call again; returns whether they are accepted. */
  #runAgain(members: unknown[], place: BatchPlace, version: number): boolean {
    const mutator = this.#mutator;
    const mutations = members.map((mutation) => this.carryOver(mutation, version));
    try {
      if ("reduce" in mutator) {
        const { sequenceFirst: sequence, timestamp } = place;
        this.#reduceInTurn(mutator, mutations[0] as M, { sequence, timestamp });
      } else {
        this.#attempt(mutator, mutations, place);
      }
      return true;
    } catch (error) {
      /* v8 ignore next -- nothing else is thrown; a bug that does must not count as a refusal */
      if (!(error instanceof MutationRejectedError)) throw error;
      if (version === this.version) return false;
      throw mutatorChanged(error.sequence!, version, error.cause, true);
    }
  }

  /**
   * Makes sure that a state migrated from an older version, with all its mutations, can be stored.
   *
   * @throws {MigrationError} when it is not JSON
   */
  checkCarriedOver(versionFrom: number): void {
    try {
      // Encodes it like its first snapshot, so that anything refused then is refused now.
      for (const _line of encodeState(this.state));
    } catch (cause) {
      throw new MigrationError(
        `Cannot migrate the state from version ${versionFrom} to ${this.version} of the mutator: ` +
          `${messageOf(cause)}; nothing was changed`,
        { operation: "open", cause },
      );
    }
  }
}
