/**
 * The state machine that runs a mutator on one record after another.
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
import type { Applied, MutationContext, MutatorBase } from "./types.ts";
import type { RunnableMutator as Mutator, RunnableReducer as Reducer } from "./types.ts";

/** Holds the state and runs records on it, in exactly the same way live and on replay. */
export class StateMachine<S, M, R> {
  readonly #mutator: Mutator<S, M, R> | Reducer<S, M>;
  readonly name: string | null;
  readonly version: number;
  state: S;
  /** The sequence of the last record that was run. */
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

  /** Starts over from a snapshot's state, migrated from the version that wrote it. */
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
   * Runs all records of one atomic group, given as JSON, whatever the outcome of each.
   *
   * @throws {MutationRejectedError} the first rejection, if there was one
   */
  runAll(sequenceFirst: number, timestamp: number, texts: readonly string[]): Applied<R>[] {
    const applied: Applied<R>[] = [];
    let rejection: unknown = null;
    for (const [i, text] of texts.entries()) {
      const sequence = sequenceFirst + i;
      try {
        applied.push({ sequence, result: this.run(sequence, timestamp, parseExactly(text)) });
      } catch (error) {
        rejection ??= error;
      }
    }
    if (rejection !== null) throw rejection;
    return applied;
  }

  /** A new machine for the same mutator, in the initial state. */
  fresh(): StateMachine<S, M, R> {
    return new StateMachine(this.#mutator);
  }

  /** Migrates a mutation of an older version to this one. */
  carryOver(mutation: unknown, version: number): M {
    return this.#migrate("mutation", version, mutation) as M;
  }

  /**
   * Replays one record, of this version or an older one. A rejection is ignored.
   *
   * @throws {MigrationError} when the record is of an older version and can't be migrated, or can't be run at all
   */
  replay(sequence: number, timestamp: number, mutation: unknown, version: number): void {
    const current = this.carryOver(mutation, version);
    try {
      this.run(sequence, timestamp, current);
    } catch (error) {
      // Its caller received the rejection when it was journaled; it is part of the history.
      /* v8 ignore next -- nothing else is thrown now; a bug that does must not count as a refusal */
      if (!(error instanceof MutationRejectedError)) throw error;
      // The older version may have applied it. A program that applies nothing would silently lose the whole state.
      if (version !== this.version && error.cause instanceof NoOutcome) {
        throw this.#notCarriedOver(`mutation ${sequence}`, version, error.cause);
      }
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
      throw this.#notCarriedOver("the state", versionFrom, cause);
    }
  }

  #notCarriedOver(what: string, versionFrom: number, cause: unknown): MigrationError {
    return new MigrationError(
      `Cannot migrate ${what} from version ${versionFrom} to ${this.version} of the mutator: ` +
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
          "give the mutator a `migrate` that converts it; nothing was changed",
        { operation: "open" },
      );
    }
    if (migrate[what] === undefined) return value;
    try {
      const carried = refusePromise(migrate[what](value, version));
      const flaw = findJsonFlaw(carried, what === "state" ? STATE_DEPTH_MAX : DEPTH_MAX);
      // Checked before anything is written: a `migrate` without a return would wipe out the whole state.
      if (flaw !== null) throw new TypeError(`in what it returned, ${describeFlaw(flaw)}`);
      // Copied, because `migrate` may return the same object on every call, and the state will be changed.
      return what === "state" ? copyJson(carried) : carried;
    } catch (cause) {
      throw new MigrationError(
        `migrate.${what} failed to convert version ${version} to ${this.version}: ` +
          `${messageOf(cause)}; nothing was changed`,
        { operation: "open", cause },
      );
    }
  }
}

/** A promise would make the outcome depend on when it settles, and memory would change out of order. */
function refusePromise<T>(value: T): T {
  // Looking up `then` in a number makes Bun search its prototypes every time.
  if (typeof value !== "object" && typeof value !== "function") return value;
  if (typeof (value as { then?: unknown } | null)?.then !== "function") return value;
  Promise.resolve(value).catch((error) => error);
  throw new NoOutcome("it returned a promise: mutators must be synchronous and deterministic");
}

/** The mutator returned an invalid outcome. That is a mistake in the program, not a rejection of the mutation. */
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
