/**
 * The environment that a mutator can see without being passed it: the clock, chance, the time zone, the locale, timers.
 * A replay runs in a different one.
 *
 * @module
 */

import { chancePatches } from "./chance.ts";
import { clockPatches } from "./clock.ts";
import { localePatches } from "./locale.ts";
import { withPatches } from "./patches.ts";
import { timerPatches } from "./timers.ts";
import { type Zone, zonePatches } from "./zone.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** One setting, used for one run. */
export class World {
  readonly zone: Zone;
  readonly locale: string;
  /** What was scheduled to run after a mutation has returned. */
  readonly scheduled: string[] = [];
  readonly #lateMs: number;
  readonly #stepMs: number;
  readonly #luck: number;
  readonly #next: () => number;
  #time: number;
  #uptime: number;

  constructor(setting: Setting, next: () => number) {
    this.zone = setting.zone ?? KOLKATA;
    this.locale = setting.locale ?? "en-US";
    this.#lateMs = setting.lateMs ?? 0;
    // The clock must advance: code that waits in a loop for time to pass must not wait forever.
    this.#stepMs = setting.lateMs === undefined ? 1 : 7;
    this.#luck = setting.luck ?? 0;
    this.#next = next;
    this.#time = this.#lateMs || Date.UTC(2020, 0, 1);
    this.#uptime = 1000 * this.#stepMs;
  }

  /** Begins a mutation that was journaled at `timestamp`. The clock shows that moment, unless this is a replay. */
  begin(timestamp: number): void {
    if (this.#lateMs === 0) this.#time = timestamp;
  }

  /** The time on the clock, in milliseconds since 1970. */
  now(): number {
    return this.#time += this.#stepMs;
  }

  /** How long the process has been running, in milliseconds. */
  uptime(): number {
    return this.#uptime += this.#stepMs + 0.25;
  }

  /** A random number from 0 to below 1. */
  random(): number {
    return (this.#next() + this.#luck) % 1;
  }
}

/** How a world differs from the one in which mutations run first. */
export interface Setting {
  /** Words for a message: "replayed …". */
  readonly how: string;
  /** What the clock shows at the beginning; without it, the clock follows the mutations' timestamps. */
  readonly lateMs?: number;
  readonly zone?: Zone;
  readonly locale?: string;
  /** Added to every random number. */
  readonly luck?: number;
}

/** Half an hour off, so that a dependence of minutes on the zone shows. No daylight saving time, like the others. */
const KOLKATA: Zone = { name: "Asia/Kolkata", offsetMinutes: 330 };

/** Where mutations run first. */
export const HERE: Setting = { how: "in the same way" };

/**
 * Where they run again. One thing differs each time, so that a message can name it. For every moment, the date differs
 * in one of the zones; month, weekday and hour differ at one of the times.
 */
export const ELSEWHERE: readonly Setting[] = [
  HERE,
  { how: "at another time", lateMs: Date.UTC(2031, 4, 14, 3, 25, 36, 789) },
  { how: "at another time", lateMs: Date.UTC(2072, 10, 5, 16, 41, 7, 258) },
  { how: "with other random numbers", luck: 0.5 },
  { how: "in another time zone", zone: { name: "Etc/GMT-14", offsetMinutes: 14 * 60 } },
  { how: "in another time zone", zone: { name: "Etc/GMT+12", offsetMinutes: -12 * 60 } },
  // Other digits; another order of letters; other capital letters.
  { how: "in another locale", locale: "ar-EG" },
  { how: "in another locale", locale: "et-EE" },
  { how: "in another locale", locale: "tr-TR" },
];

/** A description of a setting; `null` is the machine itself. */
export function howOf(setting: Setting | null): string {
  return setting === null ? "on this machine as it is" : setting.how;
}

/** The moments at which mutations are journaled. Like a real clock, this one sometimes stands still or jumps. */
export function drawTimestamps(next: () => number, count: number): number[] {
  let time = Date.UTC(2020, 0, 1) + Math.floor(next() * 5 * 365 * DAY_MS);
  const steps = [
    0,
    1,
    250,
    60_000,
    3_600_000,
    9 * 3_600_000,
    3 * DAY_MS,
    40 * DAY_MS,
    -5000,
    -DAY_MS,
  ];
  return Array.from({ length: count }, () => {
    time += Math.floor(steps[Math.floor(next() * steps.length)]! * (1 + next()));
    return time;
  });
}

/** Runs `call`, which must be synchronous, in a world. Everything is restored when it returns or throws. */
export function inWorld<T>(world: World, call: () => T): T {
  const patches = [
    ...clockPatches(world),
    ...zonePatches(world.zone),
    ...localePatches(world),
    ...chancePatches(world),
    ...timerPatches(world.scheduled),
  ];
  return withPatches(patches, call);
}
