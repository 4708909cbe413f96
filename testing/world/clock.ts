/**
 * Replaces everything that shows the time: `Date`, `performance`, `Temporal.Now`.
 *
 * @module
 */

import { getter, type Patch, value } from "./patches.ts";
import { parseLocal, type Zone } from "./zone.ts";

/** A source of time. */
export interface Clock {
  readonly zone: Zone;
  now(): number;
  uptime(): number;
}

/** Makes every clock of the runtime show the time of `clock`. */
export function clockPatches(clock: Clock): Patch[] {
  const real = globalThis.Date;
  const shown = dateOf(real, clock);
  const { performance } = globalThis;
  return [
    value(globalThis, "Date", shown),
    value(real, "now", () => clock.now()),
    value(real.prototype, "constructor", shown),
    value(performance, "now", () => clock.uptime()),
    getter(performance, "timeOrigin", () => clock.now()),
    ...temporalPatches(clock),
  ];
}

/** The same class for `instanceof` and for everything except the current and the local time. */
function dateOf(real: DateConstructor, clock: Clock): DateConstructor {
  const shown: DateConstructor = new Proxy(real, {
    apply: () => new shown().toString(),
    construct(target, parts, newTarget) {
      const time = timeOf(parts, real, clock);
      return Reflect.construct(target, [time], newTarget === shown ? target : newTarget);
    },
  });
  return shown;
}

function timeOf(parts: unknown[], real: DateConstructor, clock: Clock): unknown {
  if (parts.length === 0) return clock.now();
  if (parts.length > 1) {
    return real.UTC(...parts as [number, number]) - clock.zone.offsetMinutes * 60_000;
  }
  return typeof parts[0] === "string" ? parseLocal(parts[0], clock.zone) : parts[0];
}

/** The parts of `Temporal` that are needed. Not every version of every runtime has it. */
interface Temporal {
  Now: object;
  Instant: { fromEpochMilliseconds(time: number): { toZonedDateTimeISO(zone: unknown): Zoned } };
}

type Zoned = Record<`toPlain${"Date" | "Time" | "DateTime"}`, () => unknown>;

function temporalPatches(clock: Clock): Patch[] {
  const { Temporal: temporal } = globalThis as { Temporal?: Temporal };
  /* v8 ignore next -- all three runtimes have it by now */
  if (temporal === undefined) return [];
  const instant = () => temporal.Instant.fromEpochMilliseconds(clock.now());
  const zoned = (zone: unknown = clock.zone.name) => instant().toZonedDateTimeISO(zone);
  const now = {
    instant,
    timeZoneId: () => clock.zone.name,
    zonedDateTimeISO: zoned,
    plainDateISO: (zone?: unknown) => zoned(zone).toPlainDate(),
    plainTimeISO: (zone?: unknown) => zoned(zone).toPlainTime(),
    plainDateTimeISO: (zone?: unknown) => zoned(zone).toPlainDateTime(),
  };
  return Object.entries(now).map(([key, call]) => value(temporal.Now, key, call));
}
