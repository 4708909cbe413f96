/**
 * Lets an in-place mutator change the state through proxies, so that all it did can be taken back when it throws.
 *
 * @module
 */

import { setMember } from "../format/set_member.ts";
import { arrayMethods, TRACKED, type Tracker } from "./draft_arrays.ts";
import { explained } from "./clone_error.ts";
import { isFlat, REAL, realOf, type Seen, unwrap, unwrapGiven } from "./draft_unwrap.ts";
import { DraftMap } from "./draft_map.ts";
import { ABSENT, type Container, cutToLength, putBetween, setLength, UndoLog } from "./undo_log.ts";

/**
 * The state as one call of a mutator sees it. Changes of {@linkcode Draft.root} are changes of the real state at once;
 * {@linkcode Draft.commit} keeps them, {@linkcode Draft.undo} takes them back. Afterwards, writing to any part that the
 * mutator still holds throws.
 *
 * Objects that the mutator itself makes are not proxied, not even when they are read from the state later in the call:
 * taking back what they were assigned to is enough.
 *
 * Deleted members stay in the real object until `commit`, hidden, because their place among the others can't be
 * restored cheaply.
 */
export class Draft<S> implements ProxyHandler<Container>, Tracker {
  /** What the mutator receives in place of the state. */
  readonly root: S;
  /** Traps that are only there while something is hidden: without them, engines look at the real object directly. */
  declare has?: (target: Container, key: PropertyKey) => boolean;
  declare ownKeys?: (target: Container) => (string | symbol)[];
  readonly #state: S;
  #log: UndoLog | null = null;
  #isOver = false;
  /** The objects met below the root. */
  #drafts: DraftMap | null = null;
  /** Those of them that the mutator made. They may hold drafts until `commit`. */
  #made: object[] | null = null;
  /** The real objects behind stand-ins, the targets of drafts of objects that can't change. */
  #standIns: Map<object, object> | null = null;
  #hidden: Map<object, Set<PropertyKey>> | null = null;

  constructor(state: S) {
    this.#state = state;
    // Only what a mutator made can be frozen, and it can't replace the whole state.
    this.root = typeof state === "object" && state !== null
      ? new Proxy(state as Container, this) as S
      : state;
  }

  /**
   * Keeps all changes and returns the mutator's result, with the real objects in place of drafts.
   *
   * @throws {TypeError} when a frozen object, which can't be changed, holds drafts and was assigned to the state; `undo`
   * is still possible
   */
  commit<R>(result: R): R {
    const seen: Seen = { objects: null };
    if (this.#made !== null) {
      for (const made of this.#made) {
        if (isFlat(made) || unwrap(made, seen) === made) continue;
        throw new TypeError(
          "apply() put a frozen object that holds a part of the state into the state: freeze it without, or not at all",
        );
      }
    }
    const plain = unwrapGiven(result, seen);
    if (this.#hidden !== null) {
      for (const [target, keys] of this.#hidden) {
        for (const key of keys) delete (target as Container)[key];
      }
    }
    this.#end();
    return plain;
  }

  /** Takes back all changes and returns what the mutator threw, with the real objects in place of drafts. */
  undo(thrown: unknown): unknown {
    this.#hidden = null;
    this.#log?.undo();
    this.#end();
    return unwrapGiven(explained(thrown), { objects: null });
  }

  #end(): void {
    this.#isOver = true;
    this.#hidden = null;
    this.#log = null;
  }

  /** How many changes there were so far. */
  get changes(): number {
    return this.#log === null ? 0 : this.#log.size;
  }

  logFor(target: object): UndoLog {
    if (!Object.isExtensible(target)) refuseFixed();
    return this.#logOfCall();
  }

  #logOfCall(): UndoLog {
    if (this.#isOver) {
      throw new TypeError(
        "Cannot change this part of the state: the call of apply() that received it has ended; " +
          "don't keep parts of the state, read them from the state of each call",
      );
    }
    return this.#log ??= new UndoLog();
  }

  /** The log, for setting a member. Setting fails by itself where it could not be taken back, so that is not checked. */
  #logForMember(target: object): UndoLog {
    if (this.#standIns?.has(target)) refuseFixed();
    return this.#logOfCall();
  }

  wrap<T>(value: T): T {
    if (typeof value !== "object" || value === null) return value;
    return (this.#find(value) ?? this.#draftOf(value)) as T;
  }

  store(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    const real = realOf(value);
    if (real !== undefined) return real;
    if (this.#find(value) === undefined) {
      if (this.#made === null) this.#made = [value];
      else this.#made.push(value);
      this.#remember(value, value);
    }
    return value;
  }

  #find(real: object): object | undefined {
    if (real === this.#state) return this.root as object;
    return this.#drafts === null ? undefined : this.#drafts.find(real);
  }

  #remember(real: object, draft: object): void {
    (this.#drafts ??= new DraftMap()).add(real, draft);
  }

  #draftOf(real: object): object {
    const draft = this.#proxyOf(real);
    this.#remember(real, draft);
    return draft;
  }

  #proxyOf(real: object): object {
    // A proxy must show the members of a frozen target as they are, so its target is a copy that holds drafts. Objects
    // that are only sealed get one too: nothing can put back what is deleted from them, so they are not changed either.
    const target = Object.isExtensible(real) ? real : this.#standIn(real);
    return new Proxy(target as Container, this);
  }

  #standIn(real: object): object {
    const copy: Container = Array.isArray(real)
      ? real.map((item) => this.wrap(item)) as unknown as Container
      : Object.create(Object.getPrototypeOf(real));
    if (!Array.isArray(real)) {
      for (const [key, value] of Object.entries(real)) setMember(copy, key, this.wrap(value));
    }
    (this.#standIns ??= new Map()).set(copy, real);
    return Object.freeze(copy);
  }

  #realOf(target: object): object {
    return this.#standIns?.get(target) ?? target;
  }

  get(target: Container, key: PropertyKey): unknown {
    if (typeof key === "symbol") {
      if (key === TRACKED) return { tracker: this, array: this.#realOf(target) };
      if (key === REAL) return this.#realOf(target);
      return Reflect.get(target, key);
    }
    if (this.#isHidden(target, key)) return inherited(target, key);
    const value = target[key];
    if (typeof value === "object" && value !== null) {
      if (this.#standIns?.has(target) || key === "__proto__" && !Object.hasOwn(target, key)) {
        return value;
      }
      return this.#find(value) ?? this.#draftOf(value);
    }
    if (typeof value === "function" && Array.isArray(target)) {
      return arrayMethods.get(value) ?? value;
    }
    return value;
  }

  set(target: Container, key: PropertyKey, value: unknown, receiver: unknown): boolean {
    // An object that inherits from a draft gets a member of its own.
    if (this.#find(this.#realOf(target)) !== receiver) {
      return Reflect.set(target, key, value, receiver);
    }
    this.#put(target, key, value);
    return true;
  }

  #put(target: Container, key: PropertyKey, value: unknown): void {
    const log = this.#logForMember(target);
    const stored = this.store(value);
    const was = target[key];
    if (key === "__proto__" && this.getOwnPropertyDescriptor(target, key) === undefined) {
      refuse("change the prototype");
    }
    // JSON has no functions: one that is found is inherited.
    if (was === undefined || typeof was === "function" || key === "__proto__") {
      this.#add(target, key, stored);
    } else if (key === "length" && Array.isArray(target)) {
      setLength(target, stored as number, this.logFor(target));
    } else {
      if (this.#isHidden(target, key)) return this.#add(target, key, stored);
      target[key] = stored;
      log.member(target, key, was);
    }
  }

  /** Sets a member that may be new. `__proto__` is data here. */
  #add(target: Container, key: PropertyKey, stored: unknown): void {
    if (this.#isHidden(target, key)) this.#deleteNow(target, key as string);
    const log = this.#logForMember(target);
    const was = Object.hasOwn(target, key) ? target[key] : ABSENT;
    if (!Array.isArray(target)) {
      setMember(target, key as string, stored);
      log.member(target, key, was);
      return;
    }
    const { length } = target;
    setMember(target, key as string, stored);
    log.member(target, key, was);
    if (target.length !== length) log.change(target, cutToLength, length);
  }

  deleteProperty(target: Container, key: PropertyKey): boolean {
    const log = this.logFor(target);
    const member = this.getOwnPropertyDescriptor(target, key);
    if (member === undefined) return true;
    if (!member.configurable) return false;
    if (Array.isArray(target)) {
      log.member(target, key, target[key as number]);
      delete target[key as number];
    } else {
      this.#hide(target, key);
    }
    return true;
  }

  /** Deletes a member for good. This needs a list of all keys, since only they show its place. */
  #deleteNow(target: Container, key: string): void {
    const order = Object.keys(target);
    this.logFor(target).change(target, putBetween, { key, was: target[key], order });
    delete target[key];
    this.#hidden?.get(target)?.delete(key);
  }

  #hide(target: Container, key: PropertyKey): void {
    this.#hidden ??= new Map();
    const keys = this.#hidden.get(target);
    if (keys !== undefined) keys.add(key);
    else this.#hidden.set(target, new Set([key]));
    this.has = (target, key) =>
      this.#isHidden(target, key)
        ? Reflect.has(Object.getPrototypeOf(target) ?? {}, key)
        : Reflect.has(target, key);
    this.ownKeys = (target) => {
      const hidden = this.#hidden?.get(target);
      const keys = Reflect.ownKeys(target);
      return hidden === undefined ? keys : keys.filter((key) => !hidden.has(key));
    };
  }

  #isHidden(target: Container, key: PropertyKey): boolean {
    return this.#hidden !== null && this.#hidden.get(target)?.has(key) === true;
  }

  getOwnPropertyDescriptor(target: Container, key: PropertyKey): PropertyDescriptor | undefined {
    if (this.#isHidden(target, key)) return undefined;
    const member = Reflect.getOwnPropertyDescriptor(target, key);
    if (member !== undefined && !this.#standIns?.has(target)) {
      member.value = this.wrap(member.value);
    }
    return member;
  }

  defineProperty(target: Container, key: PropertyKey, member: PropertyDescriptor): boolean {
    const log = this.logFor(target);
    const had = this.getOwnPropertyDescriptor(target, key);
    const { writable = had?.writable, enumerable = had?.enumerable } = member;
    const { configurable = had?.configurable } = member;
    const isData = member.get === undefined && member.set === undefined;
    if (key === "length" && Array.isArray(target)) {
      if (!writable) refuse("make the length of an array read-only");
      if ("value" in member) setLength(target, member.value, log);
      return true;
    }
    if (!isData || !writable || !enumerable || !configurable) {
      refuse("define a member that is not ordinary data");
    }
    if ("value" in member || had === undefined) {
      this.#add(target, key, this.store(member.value));
    }
    return true;
  }

  setPrototypeOf(): never {
    return refuse("change the prototype");
  }

  preventExtensions(): never {
    return refuse("freeze or seal");
  }
}

function inherited(target: object, key: PropertyKey): unknown {
  return Reflect.get(Object.getPrototypeOf(target) ?? {}, key, target);
}

function refuseFixed(): never {
  throw new TypeError("Cannot change a frozen, sealed or non-extensible part of the state");
}

function refuse(what: string): never {
  throw new TypeError(`Cannot ${what} of a part of the state: the state is JSON data`);
}
