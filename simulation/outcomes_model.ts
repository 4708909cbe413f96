/**
 * What must have become of every mutation: which were accepted and which refused, however the program has changed since.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { Found, Span } from "./outcomes_journal.ts";
import {
  after,
  type By,
  carried,
  emptyPurse,
  judge,
  type Program,
  type Purse,
  refusesAgain,
} from "./outcomes_program.ts";

/** A mutation that is in the journal. */
export interface Past {
  mutation: By;
  version: number;
  refused: boolean;
}

/** A call that was made and whose outcome is unknown, because the power went. */
export type Open = By[];

/** What an open comes to when the program accepts what is there. */
export interface Opened {
  state: Purse;
  /** What became of each mutation. */
  refused: boolean[];
}

/** What an open must come to. */
export type Opening =
  | Opened
  | { changedAt: number; undecided: boolean };

/** What a verification must come to. */
export interface Verified {
  from: number;
  /** The last mutation that is replayed without a difference. */
  to: number;
  /** How many snapshots are compared. */
  snapshots: number;
  difference:
    | null
    | {
      kind: "mutation" | "snapshot";
      sequenceFirst: number;
      sequenceLast: number;
      /** The snapshot's state and the program's. */
      was?: Purse;
      is?: Purse;
    };
}

/** Everything that a history's callers know. */
export class Ledger {
  /** By sequence, from 1 on. */
  past: Past[] = [];
  /** Calls without an answer, in the order in which they were made. */
  open: Open[] = [];
  /** The states that there were, by version and sequence: those that a snapshot may hold. */
  #states = new Map<string, Purse>();

  /** The same, to be continued in another way. */
  fork(): Ledger {
    const fork = new Ledger();
    fork.past = this.past.map((past) => ({ ...past }));
    fork.open = [...this.open];
    fork.#states = new Map(this.#states);
    return fork;
  }

  /** The same up to a sequence, as a backup holds it. */
  upTo(sequence: number): Ledger {
    const fork = this.fork();
    fork.past.length = Math.min(sequence, fork.past.length);
    return fork;
  }

  /** The same up to what a program's version wrote, or an older one. */
  writtenBy({ version }: Program): Ledger {
    const newer = this.past.findIndex((past) => past.version > version);
    return newer === -1 ? this.fork() : this.upTo(newer);
  }

  /** Notes a state that the program showed or must have. */
  saw(sequence: number, state: Purse): void {
    this.#states.set(`${state.v} ${sequence}`, state);
  }

  /**
   * Compares what is on a disk with what is known, before anything opens it.
   *
   * @throws {Error} when something acknowledged is missing, or something else is there
   */
  compare(found: Found): void {
    assert(found.last >= this.past.length, `${this.past.length} are certain, found ${found.last}`);
    this.#compareRecords(found);
    const isDecided = (sequence: number) =>
      found.undecided === null || sequence < found.undecided[0];
    for (const [i, { refused }] of this.past.entries()) {
      const sequence = i + 1;
      if (!isDecided(sequence) || sequence < found.first) continue;
      assert.equal(found.refused.has(sequence), refused, `what the journal says of ${sequence}`);
    }
    for (const sequence of found.refused) {
      assert(this.past[sequence - 1]?.refused, `${sequence} is listed as refused`);
    }
    for (const { sequence, version, state } of found.snapshots) {
      assert.deepEqual(state, this.#states.get(`${version} ${sequence}`), `snapshot ${sequence}`);
    }
  }

  /** Takes over what is on the disk of the calls without an answer: whole, in order, and of one batch. */
  #compareRecords(found: Found): void {
    for (const [sequence, { mutation, version }] of found.records) {
      const past = this.past[sequence - 1];
      if (past === undefined) break;
      assert.deepEqual(
        [mutation.id, mutation.by, version],
        [past.mutation.id, past.mutation.by, past.version],
      );
    }
    const open = [...this.open];
    const added = this.past.length + 1;
    assert(found.last < added || found.undecided?.[0] === added, "more than one batch is open");
    for (let sequence = added; sequence <= found.last;) {
      const first = found.records.get(sequence)!.mutation.id;
      const call = open.splice(0, 1 + open.findIndex(([{ id }]) => id === first)).at(-1);
      assert(call !== undefined, `mutation ${first} was never made, or is there twice`);
      const last = sequence + call.length - 1;
      const ids = call.map((_, i) => found.records.get(sequence + i)?.mutation.id);
      assert.deepEqual(ids, call.map(({ id }) => id), "a group is there in part");
      const isListed = found.groups.some((group) => group[0] === sequence && group[1] === last);
      assert.equal(isListed, call.length > 1, `whether ${sequence} to ${last} is a group`);
      sequence = last + 1;
    }
  }

  /** What opening the disk with a program must come to. */
  foresee(found: Found, program: Program): Opening {
    const base = found.snapshots.at(-1);
    const state = this.#baseOf(program, found);
    const from = (base?.sequence ?? 0) + 1;
    const first = found.undecided?.[0] ?? found.last + 1;
    const decided = this.#replay(program, state, [from, first - 1]);
    if (typeof decided === "number") return { changedAt: decided, undecided: false };
    const refused = this.past.slice(0, first - 1).map((past) => past.refused);
    if (found.undecided === null) return { state: decided, refused };
    // A snapshot holds what became of them.
    if (first < from) return { state: decided, refused: this.past.map((past) => past.refused) };
    return decide(found, program, decided, refused);
  }

  /** The state that a replay of `found` begins with, up to a sequence. */
  #baseOf(program: Program, found: Found, atMost = Infinity): Purse {
    const base = found.snapshots.findLast(({ sequence }) => sequence <= atMost);
    return base === undefined ? emptyPurse(program) : { ...base.state, v: program.version };
  }

  /** Runs what was accepted; the sequence at which the program refuses it, if it does. */
  #replay(program: Program, begin: Purse, [first, last]: Span): Purse | number {
    let state = begin;
    for (let sequence = first; sequence <= last; sequence++) {
      const { mutation, version, refused } = this.past[sequence - 1]!;
      if (refused) continue;
      const current = version === program.version ? mutation : carried(program, mutation);
      if (current === null) continue;
      if (refusesAgain(program, state.n, current.by)) return sequence;
      state = after(program, state, current, sequence);
    }
    return state;
  }

  /** Takes over what an open came to. */
  settle(found: Found, { state, refused }: Opened): void {
    this.past = refused.map((refused, i) => {
      const past = this.past[i] ?? found.records.get(i + 1)!;
      return { mutation: past.mutation, version: past.version, refused };
    });
    this.open = [];
    this.saw(found.last, state);
  }

  /**
   * The state at a sequence of the past.
   *
   * @returns `null` when the files that are kept don't lead there; the sequence that the program refuses, if there is one
   */
  stateAt(found: Found, program: Program, sequence: number): Purse | number | null {
    const base = found.snapshots.findLast((snapshot) => snapshot.sequence <= sequence);
    const from = (base?.sequence ?? 0) + 1;
    if (from < found.first && (sequence >= from || base === undefined)) return null;
    return this.#replay(program, this.#baseOf(program, found, sequence), [from, sequence]);
  }

  /**
   * What a comparison of a program with all that is kept must come to.
   *
   * @param options.decides whether it runs a last batch of which no line says what became of it
   */
  verify(found: Found, program: Program, { decides }: { decides: boolean }): Verified {
    const { first, last, undecided, snapshots } = found;
    const start = first === 1
      ? undefined
      : snapshots.find((snapshot) => snapshot.sequence >= first - 1);
    const from = start?.sequence ?? 0;
    let state = start === undefined ? emptyPurse(program) : { ...start.state, v: program.version };
    let compared = 0;
    let agreed = from;
    const refuses = (at: number): Verified => ({
      from,
      to: at - 1,
      snapshots: compared,
      difference: { kind: "mutation", sequenceFirst: at, sequenceLast: at },
    });
    for (const snapshot of snapshots.filter(({ sequence }) => sequence > from)) {
      const to = snapshot.sequence;
      const is = this.#replay(program, state, [agreed + 1, to]);
      if (typeof is === "number") return refuses(is);
      const was = { ...snapshot.state, v: program.version };
      compared++;
      if (!isDeepStrictEqual(was, is)) {
        const difference = { sequenceFirst: agreed + 1, sequenceLast: to, was, is };
        return { from, to, snapshots: compared, difference: { kind: "snapshot", ...difference } };
      }
      state = is;
      agreed = to;
    }
    const isOpen = decides && undecided !== null && undecided[0] > agreed;
    const end = this.#replay(program, state, [agreed + 1, isOpen ? undecided[0] - 1 : last]);
    if (typeof end === "number") return refuses(end);
    const opening = isOpen ? decide(found, program, end, []) : null;
    if (opening !== null && "changedAt" in opening) return refuses(opening.changedAt);
    return { from, to: last, snapshots: compared, difference: null };
  }

  /** What `changes` must give from a sequence on. */
  changes(program: Program, from: number): { id: number; by: number; refused: boolean }[] {
    return this.past.slice(from - 1).map(({ mutation, version, refused }) => {
      const current = refused || version === program.version
        ? mutation
        : carried(program, mutation);
      const { id, by } = current ?? mutation;
      return { id, by, refused: refused || current === null };
    });
  }
}

/** Runs the last batch of a crash as it would have run live. */
function decide(found: Found, program: Program, begin: Purse, before: boolean[]): Opening {
  const [first, last] = found.undecided!;
  const refused = [...before];
  let state = begin;
  for (let from = first; from <= last;) {
    const to = found.groups.find(([start]) => start === from)?.[1] ?? from;
    const tried = attempt(found, program, state, [from, to]);
    if (typeof tried === "number") {
      const isOlder = found.records.get(from)!.version !== program.version;
      if (isOlder || program.style === "reducer") {
        return { changedAt: tried, undecided: program.style !== "reducer" };
      }
    } else state = tried;
    for (let sequence = from; sequence <= to; sequence++) refused.push(typeof tried === "number");
    from = to + 1;
  }
  return { state, refused };
}

function attempt(found: Found, program: Program, begin: Purse, [from, to]: Span): Purse | number {
  let state = begin;
  for (let sequence = from; sequence <= to; sequence++) {
    const { mutation, version } = found.records.get(sequence)!;
    const current = version === program.version ? mutation : carried(program, mutation);
    if (current === null) continue;
    if (judge(program, state.n, current.by) !== "accepted") return sequence;
    state = after(program, state, current, sequence);
  }
  return state;
}
