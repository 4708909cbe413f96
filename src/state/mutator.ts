/**
 * The caller's side of the state: what a mutator is, and the machine that runs one record after the other.
 *
 * @module
 */

import { InvalidStateError, MigrationError, MutationRejectedError } from "../errors.ts";
import { messageOf } from "../failures.ts";
import { DEPTH_MAX, MUTATOR_NAME_SIZE_MAX, STATE_DEPTH_MAX } from "../format/format.ts";
import { parseExactly } from "../format/json_parse.ts";
import { copyJson, describeFlaw, findJsonFlaw } from "../format/json.ts";
import { encodeState } from "../format/snapshot_encode.ts";
import type { StandardSchema } from "./standard_schema.ts";

/** What a mutator is told about the record it applies; the same on every replay, so that it needs no clock. */
export interface MutationContext {
  /** The record's number: 1 for the first mutation ever. */
  readonly sequence: number;
  /** When the record was journaled, in milliseconds since 1970, by the clock of the machine; may jump or stand still. */
  readonly timestamp: number;
}

/** How an older version's data is carried over when the mutator's `version` has been raised. */
export interface Migration<S, M> {
  /** Turns the state of an older version into one of this version. Without it, the state is taken as it is. */
  state?(state: unknown, versionFrom: number): S;
  /** Turns a mutation journaled by an older version into one of this version. Without it, it is taken as it is. */
  mutation?(mutation: unknown, versionFrom: number): M;
}

/** What every mutator has, whichever style. */
export interface MutatorBase<S, M> {
  /** Makes the state before the first mutation. Must be JSON. */
  initial(): S;
  /** Names the kind of state, so that another mutator is refused. @default none */
  readonly name?: string;
  /** Version of the state's and the mutations' form, 1 or higher. @default 1 */
  readonly version?: number;
  /** How data of an older version is carried over. */
  readonly migrate?: Migration<S, M>;
  /** A Standard Schema validator (zod, valibot, arktype …). What it refuses is never journaled. Must be synchronous. */
  readonly schema?: StandardSchema<unknown, M>;
}

/**
 * A mutator that changes the state in place.
 *
 * It must be deterministic: the same state and mutation always give the same outcome, on every replay.
 *
 * @typeParam S the state
 * @typeParam M the mutations
 * @typeParam R what `apply` gives back to the caller
 */
export interface Mutator<S, M, R = unknown> extends MutatorBase<S, M> {
  /**
   * Changes `state` by `mutation` and returns any result. Throwing rejects the mutation, now and on every
   * replay; throw before the first change.
   */
  apply(state: S, mutation: M, context: MutationContext): R;
}

/**
 * A mutator that returns the next state instead of changing the one it is given.
 *
 * @typeParam S the state
 * @typeParam M the mutations
 */
export interface Reducer<S, M> extends MutatorBase<S, M> {
  /** Returns the state after `mutation`. Throwing rejects the mutation, now and on every replay. */
  reduce(state: S, mutation: M, context: MutationContext): S;
}

/** What `apply` resolves with. */
export interface Applied<R> {
  /** The mutation's number: 1 for the first ever. */
  sequence: number;
  /** What the mutator returned. */
  result: R;
}

/** Deeply read-only view of a state. */
export type DeepReadonly<T> = T extends (infer I)[] ? readonly DeepReadonly<I>[]
  : T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
  : T;

/** Holds the state and runs records on it, live and on replay in exactly the same way. */
export class StateMachine<S, M, R> {
  readonly #mutator: Mutator<S, M, R> | Reducer<S, M>;
  readonly name: string | null;
  readonly version: number;
  state: S;
  /** The sequence that the state is after. */
  sequence = 0;

  constructor(mutator: Mutator<S, M, R> | Reducer<S, M>) {
    checkMutator(mutator);
    this.#mutator = mutator;
    this.name = mutator.name ?? null;
    this.version = mutator.version ?? 1;
    this.state = this.initial();
  }

  get schema(): StandardSchema<unknown, M> | undefined {
    return this.#mutator.schema;
  }

  /** A fresh initial state, which nobody else holds. */
  initial(): S {
    const state: unknown = this.#mutator.initial();
    const flaw = findJsonFlaw(state, STATE_DEPTH_MAX);
    if (flaw !== null) {
      throw new InvalidStateError(
        `The mutator's initial() gives a state in which ${
          describeFlaw(flaw)
        }, which JSON can't hold: keep only JSON values in the state`,
      );
    }
    return copyJson(state) as S;
  }

  /** Starts over from a snapshot's state, carried over from the version that wrote it. */
  restore(state: unknown, version: number, sequence: number): void {
    this.state = this.#migrate("state", version, state) as S;
    this.sequence = sequence;
  }

  /**
   * Runs one record.
   *
   * @throws {MutationRejectedError} when the mutator throws or returns a promise
   */
  run(sequence: number, timestamp: number, mutation: unknown): R {
    const context: MutationContext = { sequence, timestamp };
    this.sequence = sequence;
    try {
      const mutator = this.#mutator;
      if ("reduce" in mutator) {
        const next = refusePromise(mutator.reduce(this.state, mutation as M, context));
        if (next === undefined) {
          throw new NoOutcome("reduce() returned undefined instead of the next state");
        }
        this.state = next;
        return next as unknown as R;
      }
      return refusePromise(mutator.apply(this.state, mutation as M, context));
    } catch (cause) {
      throw new MutationRejectedError(
        `The mutator refused mutation ${sequence}: ${messageOf(cause)}; ` +
          "it stays in the journal and is refused in the same way on every replay",
        { sequence, operation: "apply", cause },
      );
    }
  }

  /**
   * Runs the records of one atomic group, given as JSON: all of them, whatever becomes of each.
   *
   * @throws {MutationRejectedError} the first refusal, when there was one
   */
  runAll(sequenceFirst: number, timestamp: number, texts: readonly string[]): Applied<R>[] {
    const applied: Applied<R>[] = [];
    let refusal: unknown = null;
    for (const [i, text] of texts.entries()) {
      const sequence = sequenceFirst + i;
      try {
        applied.push({ sequence, result: this.run(sequence, timestamp, parseExactly(text)) });
      } catch (error) {
        refusal ??= error;
      }
    }
    if (refusal !== null) throw refusal;
    return applied;
  }

  /** Another machine for the same mutator, in the initial state. */
  fresh(): StateMachine<S, M, R> {
    return new StateMachine(this.#mutator);
  }

  /** A mutation of an older version, carried over to this one. */
  carryOver(mutation: unknown, version: number): M {
    return this.#migrate("mutation", version, mutation) as M;
  }

  /**
   * Runs one record of an older journal or of this one, as far as its outcome is not asked for.
   *
   * @throws {MigrationError} when the record is of an older version and can't be carried over, or not run at all
   */
  replay(sequence: number, timestamp: number, mutation: unknown, version: number): void {
    const current = this.carryOver(mutation, version);
    try {
      this.run(sequence, timestamp, current);
    } catch (error) {
      // Its caller was told when it was journaled; the refusal is part of the history.
      /* v8 ignore next -- nothing else is thrown now; a bug that does must not count as a refusal */
      if (!(error instanceof MutationRejectedError)) throw error;
      // The older version may have applied it. A program that applies nothing would lose the whole state without a word.
      if (version !== this.version && error.cause instanceof NoOutcome) {
        throw this.#notCarriedOver(`mutation ${sequence}`, version, error.cause);
      }
    }
  }

  /**
   * Makes sure that the state of an older version, carried over with all its mutations, is one that can be kept.
   *
   * @throws {MigrationError} when it is not JSON
   */
  checkCarriedOver(versionFrom: number): void {
    try {
      // As its first snapshot will, so that what is refused then is refused now.
      for (const _line of encodeState(this.state));
    } catch (cause) {
      throw this.#notCarriedOver("the state", versionFrom, cause);
    }
  }

  #notCarriedOver(what: string, versionFrom: number, cause: unknown): MigrationError {
    return new MigrationError(
      `Cannot carry ${what} over from version ${versionFrom} to ${this.version} of the mutator: ` +
        `${messageOf(cause)}; nothing was changed`,
      { operation: "open", cause },
    );
  }

  #migrate(what: "state" | "mutation", version: number, value: unknown): unknown {
    if (version === this.version) return value;
    const migrate = this.#mutator.migrate;
    if (migrate === undefined) {
      throw new MigrationError(
        `The ${what} was written by version ${version} of the mutator and this is version ${this.version}: ` +
          "give the mutator a `migrate` that carries it over; nothing was changed",
        { operation: "open" },
      );
    }
    if (migrate[what] === undefined) return value;
    try {
      const carried = refusePromise(migrate[what](value, version));
      const flaw = findJsonFlaw(carried, what === "state" ? STATE_DEPTH_MAX : DEPTH_MAX);
      // Found here, before anything is written: a `migrate` without a return would take the whole state along.
      if (flaw !== null) throw new TypeError(`in what it returned, ${describeFlaw(flaw)}`);
      // It may be an object that every call of `migrate` returns, and it will be changed.
      return what === "state" ? copyJson(carried) : carried;
    } catch (cause) {
      throw new MigrationError(
        `migrate.${what} failed to carry version ${version} over to ${this.version}: ` +
          `${messageOf(cause)}; nothing was changed`,
        { operation: "open", cause },
      );
    }
  }
}

/** A promise would make the outcome depend on when it settles, and memory change before or after others. */
function refusePromise<T>(value: T): T {
  // Looked up in a number, Bun searches its prototypes every time.
  if (typeof value !== "object" && typeof value !== "function") return value;
  if (typeof (value as { then?: unknown } | null)?.then !== "function") return value;
  Promise.resolve(value).catch((error) => error);
  throw new NoOutcome("it returned a promise: mutators must be synchronous and deterministic");
}

/** A mutator gave back what is no outcome: a mistake of the program, not a refusal of the mutation. */
class NoOutcome extends TypeError {
  override readonly name = "TypeError";
}

function checkMutator(mutator: MutatorBase<unknown, unknown>): void {
  if (typeof mutator !== "object" || mutator === null || typeof mutator.initial !== "function") {
    throw new TypeError("The mutator must be an object with initial() and apply() or reduce()");
  }
  const { apply, reduce } = mutator as { apply?: unknown; reduce?: unknown };
  if ((typeof apply === "function") === (typeof reduce === "function")) {
    throw new TypeError(
      "The mutator must have either apply(state, mutation) or reduce(state, mutation)",
    );
  }
  const { version = 1, name, schema, migrate } = mutator;
  if (schema !== undefined && typeof schema?.["~standard"]?.validate !== "function") {
    throw new TypeError("The mutator's schema must be a Standard Schema validator");
  }
  if (migrate !== undefined && (typeof migrate !== "object" || migrate === null)) {
    throw new TypeError("The mutator's migrate must be an object with state() or mutation()");
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new RangeError(`The mutator's version must be a whole number from 1, got ${version}`);
  }
  if (
    name !== undefined &&
    (typeof name !== "string" || name === "" || name.length > MUTATOR_NAME_SIZE_MAX)
  ) {
    throw new RangeError(
      `The mutator's name must be a string of 1 to ${MUTATOR_NAME_SIZE_MAX} characters`,
    );
  }
}
