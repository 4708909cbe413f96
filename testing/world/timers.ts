/**
 * Timers: what a mutator asks to run later would run outside of the journal, and again on every replay.
 *
 * @module
 */

import { type Patch, value } from "./patches.ts";

type Timers = Record<string, ((...parts: unknown[]) => unknown) | undefined>;

/** Keeps the names of what was called to run something later; nothing runs. */
export function timerPatches(called: string[]): Patch[] {
  const timers = globalThis as unknown as Timers;
  const patch = (name: string, stop?: string) => {
    const real = timers[name]!;
    const cancel = stop === undefined ? null : timers[stop]!;
    return value(globalThis, name, (...parts: unknown[]) => {
      called.push(`${name}()`);
      if (cancel === null) return undefined;
      // A real one, already stopped: callers may want to `unref()` it.
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
