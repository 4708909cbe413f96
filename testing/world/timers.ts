/**
 * Timers: work that a mutator schedules would run outside the journal, and again on every replay.
 *
 * @module
 */

import { type Patch, value } from "./patches.ts";

type Timers = Record<string, ((...parts: unknown[]) => unknown) | undefined>;

/** Records the names of scheduling functions that were called; nothing is run. */
export function timerPatches(called: string[]): Patch[] {
  const timers = globalThis as unknown as Timers;
  const patch = (name: string, stop?: string) => {
    const real = timers[name]!;
    const cancel = stop === undefined ? null : timers[stop]!;
    return value(globalThis, name, (...parts: unknown[]) => {
      called.push(`${name}()`);
      if (cancel === null) return undefined;
      // A real one, already cancelled: callers may want to `unref()` it.
      const handle = real(...parts);
      cancel(handle);
      return handle;
    });
  };
  return [
    patch("setTimeout", "clearTimeout"),
    patch("setInterval", "clearInterval"),
    patch("setImmediate", "clearImmediate"),
    patch("queueMicrotask"),
  ];
}
