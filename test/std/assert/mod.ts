// Stands in for `@std/assert` where JSR is out of reach: the functions our tests use, same signatures.
//
// Stricter than the original in one way: `assertEquals` also compares prototypes, so a null-prototype
// object never equals a literal. A test that must compare such a value copies it first.

import nodeAssert from "node:assert/strict";

// deno-lint-ignore no-explicit-any
type Constructor<T> = abstract new (...args: any[]) => T;

/** Throws unless `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) nodeAssert.fail(msg === "" ? `Expected a truthy value: found ${describe(expr)}` : msg);
}

/** Throws unless both values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  withNote(msg, () => nodeAssert.deepStrictEqual(actual, expected));
}

/** Throws if both values are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  withNote(msg, () => nodeAssert.notDeepStrictEqual(actual, expected));
}

/** Throws unless both are the same value by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  withNote(msg, () => nodeAssert.strictEqual(actual, expected));
}

/** Throws unless `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  withNote(msg, () => nodeAssert.match(actual, expected));
}

/** Throws unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  nodeAssert.fail(`Expected ${quote(actual)} to contain ${quote(expected)}${suffix(msg)}`);
}

/** Throws unless `actual` is an instance of `expectedType`. */
// deno-lint-ignore no-explicit-any
export function assertInstanceOf<T extends abstract new (...args: any[]) => any>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  nodeAssert.fail(
    `Expected an instance of "${expectedType.name}": found ${describe(actual)}${suffix(msg)}`,
  );
}

/** Throws unless `fn` throws, and returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Throws unless `fn` throws an `ErrorClass`, and returns the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  second?: Constructor<Error> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const [ErrorClass, note] = split(second, msg);
  try {
    fn();
  } catch (error) {
    return check(error, ErrorClass, msgIncludes, note);
  }
  nodeAssert.fail(`Expected function to throw${suffix(note)}`);
}

/** Rejects unless `fn` rejects, and resolves to what it rejected with. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Rejects unless `fn` rejects with an `ErrorClass`, and resolves to the error. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  second?: Constructor<Error> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const [ErrorClass, note] = split(second, msg);
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    nodeAssert.fail(
      `Expected a rejection, but the function threw: ${describe(error)}${suffix(note)}`,
    );
  }
  try {
    await promise;
  } catch (error) {
    return check(error, ErrorClass, msgIncludes, note);
  }
  nodeAssert.fail(`Expected function to reject${suffix(note)}`);
}

/** Puts the caller's note before the message: passed as an argument it would replace the difference. */
function withNote(msg: string | undefined, compare: () => void): void {
  try {
    compare();
  } catch (error) {
    if (msg && error instanceof Error) error.message = `${msg}: ${error.message}`;
    throw error;
  }
}

function split(
  second: Constructor<Error> | string | undefined,
  msg: string | undefined,
): [Constructor<Error> | undefined, string | undefined] {
  return typeof second === "string" ? [undefined, second] : [second, msg];
}

function check(
  thrown: unknown,
  ErrorClass: Constructor<Error> | undefined,
  msgIncludes: string | undefined,
  note: string | undefined,
): unknown {
  if (ErrorClass === undefined) return thrown;
  assertInstanceOf(thrown, ErrorClass, note);
  if (msgIncludes !== undefined) assertStringIncludes(thrown.message, msgIncludes, note);
  return thrown;
}

function describe(value: unknown): string {
  if (value instanceof Error) return `${value.constructor.name}: ${value.message}`;
  if (typeof value === "object" && value !== null) return `${value.constructor?.name ?? "object"}`;
  return String(value);
}

function quote(value: string): string {
  return JSON.stringify(value);
}

function suffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : "";
}
