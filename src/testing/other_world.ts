/**
 * Runs a function in a world where it is another day and chance falls otherwise, as it does on a replay.
 *
 * @module
 */

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

/** Runs `call`, which must not wait for anything, with another clock and other random numbers. */
export function laterAndUnluckier<T>(call: () => T): T {
  const { Date: realDate } = globalThis;
  const { random } = Math;
  const later = () => realDate.now() + YEAR_MS;
  class LaterDate extends realDate {
    constructor(...parts: unknown[]) {
      super(...(parts.length === 0 ? [later()] : parts) as []);
    }

    static override now(): number {
      return later();
    }
  }
  globalThis.Date = LaterDate as DateConstructor;
  Math.random = () => (random() + 0.5) % 1;
  try {
    return call();
  } finally {
    globalThis.Date = realDate;
    Math.random = random;
  }
}
