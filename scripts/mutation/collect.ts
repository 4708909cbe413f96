/**
 * Stands in for `node:test`: keeps the tests instead of running them.
 *
 * @module
 */

/** One test of a test file. */
export interface Collected {
  name: string;
  run: () => unknown;
}

/** All tests of the files imported so far, in order. */
export const collected: Collected[] = [];

/** Keeps one test. */
export function test(name: string, run: () => unknown): void {
  collected.push({ name, run: async () => await run() });
}
