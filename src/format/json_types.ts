/**
 * Types that only JSON satisfies, so that the compiler finds what a journal or a snapshot would refuse.
 *
 * @module
 */

/**
 * Marks a type that was declared to be JSON.
 *
 * @internal
 */
declare const asJson: unique symbol;

/**
 * Declares a type to be JSON although the compiler can't see that it is, for example because it comes with methods that
 * the values don't have. The values are still checked when they are written. For a single member, `unknown` or `any`
 * does as well.
 *
 * @typeParam T the type of an object or array
 */
export type AsJson<T> = T & { readonly [asJson]?: never };

/** Stands where a type is not JSON. Nothing can be assigned to it, and the compiler's message names the reason. */
export interface NotJson<Reason> {
  /** Why it is not JSON, and what to keep instead. */
  readonly "not JSON": Reason;
}

/** Any JSON value. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

type AnyFunction = (...args: never) => unknown;
type AnyMap = ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>;
/**
 * What JSON has no counterpart for.
 *
 * @internal
 */
type Refused = undefined | bigint | symbol | AnyFunction | Date | AnyMap;

/**
 * Why a type is not JSON, as seen from outside; `never` when it may be.
 *
 * @internal
 */
type Reason<T> = T extends undefined
  ? "undefined: make the member optional and leave it out, or use null"
  : T extends bigint ? "a bigint: keep a number or a string"
  : T extends symbol ? "a symbol: keep a string"
  : T extends AnyFunction ? "a function: keep only data"
  : T extends Date ? "a Date: keep its getTime() or its toISOString()"
  : T extends AnyMap ? "a Map or a Set: keep an object or an array"
  : never;

/**
 * Whatever is neither `null` nor `undefined`.
 *
 * @internal
 */
// deno-lint-ignore ban-types -- that is what it means
type Anything = {};

/**
 * What the members must be. Each part of a union is mapped by itself.
 *
 * @internal
 */
type Members<T> = { [K in keyof T]: typeof asJson extends keyof T ? T[K] : JsonOf<T[K]> };

/**
 * The constraint of states and mutations: `S extends JsonOf<S>` holds when JSON keeps every value of `S` as it is.
 *
 * Interfaces need no index signature, and members may be optional. An optional member that isn't there isn't written;
 * one that is there and is `undefined` is refused, because JSON has no `undefined`. The compiler sees that difference
 * only with `exactOptionalPropertyTypes`. `unknown` and `any` are left to the check of the values.
 *
 * A generic class repeats the constraint: `class Repository<T extends Item & JsonOf<T>>`.
 *
 * @typeParam T the type to examine
 */
// Written so that a type parameter can be constrained by itself: no branch is T, `unknown` or a condition that
// distributes over T, or the constraint would be circular. No branch is primitive, or literals would be inferred.
export type JsonOf<T> = [unknown] extends [T] ? Anything | null | undefined
  : [Reason<T>] extends [never] ? ([T] extends [Json] ? Anything | null : Members<T>)
  : Members<Exclude<T, Refused>> | NotJson<Reason<T>>;
