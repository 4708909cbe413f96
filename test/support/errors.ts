// Asserts that a call fails as the contract says: the class, the code, and a message that says what to do.

import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { MinistateError } from "@ministate/ministate";

type ErrorClass = abstract new (...args: never[]) => Error;

/** What a row of a table expects. */
export interface Failure {
  /** The class of the error; `TypeError` or `RangeError` for a caller's mistake. */
  error: ErrorClass;
  /** Its code, when it is one of ours. */
  code?: string;
  /** What the message must say. */
  says: RegExp;
}

/** Resolves with the error of `call`, also when it throws synchronously. */
export async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error("The call was expected to fail, and it succeeded");
}

/** Fails unless `call` fails as `wanted`; resolves with the error. */
export async function assertFails(call: () => unknown, wanted: Failure): Promise<MinistateError> {
  const error = await failureOf(call);
  assertInstanceOf(error, wanted.error, String(error));
  assertMatch(error.message, wanted.says);
  if (wanted.code === undefined) {
    assert(!(error instanceof MinistateError), "a caller's mistake is not a MinistateError");
  } else {
    assertInstanceOf(error, MinistateError);
    assertEquals(error.code, wanted.code);
    assertEquals(error.name, wanted.error.name);
  }
  return error as MinistateError;
}
