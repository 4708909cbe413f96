// The error for everything that prevents building a binary; its message is for the user.

import type { Outcome } from "../toolchain.ts";

/** Says what could not be built, why, and what to do. */
export class CompileError extends Error {
  override name = "CompileError";
}

/** Throws when a tool failed, with what it said. */
export function expectOk(what: string, outcome: Outcome, advice = ""): void {
  if (outcome.ok) return;
  const said = outcome.output.trim();
  throw new CompileError(`${what} ${outcome.reason}${advice}${said === "" ? "" : `\n${said}`}`);
}
