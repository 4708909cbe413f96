// Tests which types count as JSON. They are checked by the compiler, also with exactOptionalPropertyTypes, and never run.

import type { AsJson, Json, JsonOf, Mutator } from "@ministate/ministate";
import { type Equal, holds } from "./equal.ts";

type IsJson<T> = [T] extends [JsonOf<T>] ? true : false;
/** Whether the compiler distinguishes a member that is missing from one that is undefined. */
type IsExact = Equal<{ a: undefined } extends { a?: never } ? true : false, false>;

interface Session {
  readonly id: string;
  user: { name: string; roles: readonly Role[] } | null;
  expires: number;
  note?: string;
  device?: { kind: "phone"; model?: string } | { kind: "board"; pages: 4096 | 16384 };
}
type Role = "admin" | "guest";

interface Tree {
  label: string;
  parent?: Tree;
  children: Tree[];
  byName: Record<string, Tree>;
}

type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
type Doc = { title?: string } | Doc[];
type Id = string & { readonly __brand: "id" };

// Interfaces without index signature, optional members, unions, nested records, tuples, recursion.
holds<IsJson<Session>>();
holds<IsJson<{ sessions: Record<string, Session>; last: Session | null }>>();
holds<IsJson<Tree>>();
holds<IsJson<Json>>();
holds<IsJson<Value>>();
holds<IsJson<Value[]>>();
holds<IsJson<{ doc: Doc }>>();
holds<IsJson<[number, string?, ...Role[]]>>();
holds<IsJson<readonly [Session, { at: readonly number[] }]>>();
holds<IsJson<{ [place: `lamp-${number}`]: boolean; count: number }>>();
holds<IsJson<string | number | boolean | null>>();
holds<IsJson<"on" | { level: number } | [1, 2]>>();
holds<IsJson<Id>>();
holds<IsJson<{ id: Id; ids: Record<Id, Id[]> }>>();
// deno-lint-ignore ban-types -- what an empty object literal is inferred as
holds<IsJson<{}>>();
holds<IsJson<never>>();

// Left to the check of the values.
holds<IsJson<unknown>>();
// deno-lint-ignore no-explicit-any -- one of the two ways out
holds<IsJson<any>>();
// deno-lint-ignore no-explicit-any -- the same for a member
holds<IsJson<{ anything: any; unknown: unknown[] }>>();

// Not JSON, wherever it stands.
export class Point {
  x = 0;
  distance(): number {
    return this.x;
  }
}
type Refused = [
  undefined,
  bigint,
  symbol,
  Date,
  Map<string, number>,
  ReadonlySet<string>,
  () => void,
  (a: string, b: number) => string,
  Point,
  Uint8Array,
  RegExp,
  Promise<number>,
  string | undefined,
  number | bigint,
  Session | Date,
];
type Found<T extends unknown[]> = { [K in keyof T]: IsJson<[T[K]]> };
type Nested<T extends unknown[]> = { [K in keyof T]: IsJson<{ a: { b: [T[K]] }[] }> };
type Each<T extends unknown[], V> = { [K in keyof T]: V };
holds<Equal<Found<Refused>, Each<Refused, false>>>();
holds<Equal<Nested<Refused>, Each<Refused, false>>>();
type Members<T extends unknown[]> = { [K in keyof T]: IsJson<{ member: T[K] }> };
holds<Equal<Members<Refused>, Each<Refused, false>>>();

// An optional member may be missing. That it may also be undefined is seen where the compiler tells the two apart.
holds<IsJson<{ a?: string }>>();
holds<Equal<IsJson<{ a?: string | undefined }>, IsExact extends true ? false : true>>();
holds<Equal<IsJson<{ a: string | undefined }>, false>>();
holds<Equal<IsJson<{ a?: Date }>, false>>();
holds<Equal<IsJson<{ a?: () => void }>, false>>();

// The compiler's message names the reason.
type ReasonOf<T> = JsonOf<T> extends { "not JSON": infer Reason } ? Reason : never;
holds<Equal<ReasonOf<Date>, "a Date: keep its getTime() or its toISOString()">>();
holds<Equal<ReasonOf<bigint>, "a bigint: keep a number or a string">>();
holds<Equal<ReasonOf<Map<1, 2>>, "a Map or a Set: keep an object or an array">>();
holds<Equal<ReasonOf<() => 1>, "a function: keep only data">>();
holds<Equal<ReasonOf<symbol>, "a symbol: keep a string">>();

// A way out that keeps the type.
holds<Equal<IsJson<{ point: Point }>, false>>();
holds<IsJson<{ point: AsJson<Point>; points: AsJson<Point>[]; none?: AsJson<Point> }>>();
const point: AsJson<{ x: number; move(): void }> = { x: 1, move() {} };
point.x = 2;

// The constraint holds where mutators are declared.
export type Fine = Mutator<Session, Session | null, Session>;
// @ts-expect-error -- a Date in the state
export type BadState = Mutator<{ at: Date }, null>;
// @ts-expect-error -- a function in a mutation
export type BadMutation = Mutator<Session, { then(): void }>;
