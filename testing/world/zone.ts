/**
 * The local time of `Date` in a time zone other than the machine's.
 *
 * @module
 */

import { type Patch, value } from "./patches.ts";

/** A time zone without daylight saving time. */
export interface Zone {
  /** Its name for `Intl`. */
  readonly name: string;
  /** The offset of its clocks from UTC, positive if ahead. */
  readonly offsetMinutes: number;
}

const UNITS = ["FullYear", "Month", "Date", "Day", "Hours", "Minutes", "Seconds", "Milliseconds"];
const HAS_ZONE = /(?:[zZ]|\b(?:GMT|UTC?|[ECMP][SD]T)\b.*|:\d\d[^+-]*[+-]\d\d:?\d\d)\s*(?:\(.*\))?$/;
const ISO_DATE = /^(?:\d{4}|[+-]\d{6})(?:-\d\d){0,2}$/;

// Kept under its own name: `Date.parse` is replaced during a run.
const { parse: realParse } = Date;

/** Calls a method of a date by its name. */
type Methods = Record<string, (...parts: unknown[]) => number>;

/** Makes every local time of `Date` one of `zone`. */
export function zonePatches(zone: Zone): Patch[] {
  const real = globalThis.Date;
  const offsetMs = zone.offsetMinutes * 60_000;
  /** A date whose UTC time is the other's local time. */
  const local = (date: Date) => new real(date.getTime() + offsetMs);
  const prototype = real.prototype;
  const patches = [
    value(real, "parse", (text: unknown) => parseLocal(String(text), zone)),
    value(prototype, "getTimezoneOffset", function (this: Date) {
      return Number.isNaN(this.getTime()) ? NaN : -zone.offsetMinutes;
    }),
    value(prototype, "getYear", function (this: Date) {
      return local(this).getUTCFullYear() - 1900;
    }),
    ...textPatches(prototype, local, zone),
  ];
  for (const unit of UNITS) {
    patches.push(value(prototype, `get${unit}`, function (this: Date) {
      return (local(this) as unknown as Methods)[`getUTC${unit}`]!();
    }));
    if (unit === "Day") continue;
    patches.push(value(prototype, `set${unit}`, function (this: Date, ...parts: unknown[]) {
      const moved = local(this);
      (moved as unknown as Methods)[`setUTC${unit}`]!(...parts);
      return this.setTime(moved.getTime() - offsetMs);
    }));
  }
  return patches;
}

function textPatches(prototype: Date, local: (date: Date) => Date, zone: Zone): Patch[] {
  const sign = zone.offsetMinutes < 0 ? "-" : "+";
  const minutes = Math.abs(zone.offsetMinutes);
  const two = (number: number) => String(number).padStart(2, "0");
  const ahead = `GMT${sign}${two(Math.floor(minutes / 60))}${two(minutes % 60)} (${zone.name})`;
  const text = (say: (parts: string[]) => string) =>
    function (this: Date) {
      if (Number.isNaN(this.getTime())) return "Invalid Date";
      // "Thu, 01 Jan 1970 00:00:00 GMT"
      return say(local(this).toUTCString().replace(",", "").split(" "));
    };
  const date = ([weekday, day, month, year]: string[]) => `${weekday} ${month} ${day} ${year}`;
  const time = (parts: string[]) => `${parts[4]} ${ahead}`;
  return [
    value(prototype, "toDateString", text(date)),
    value(prototype, "toTimeString", text(time)),
    value(prototype, "toString", text((parts) => `${date(parts)} ${time(parts)}`)),
  ];
}

/** Parses a date. A text without a zone means local time, except for a date alone in ISO 8601 form. */
export function parseLocal(text: string, zone: Zone): number {
  const trimmed = text.trim();
  const isLocal = !ISO_DATE.test(trimmed) && !HAS_ZONE.test(trimmed);
  const offsetMs = zone.offsetMinutes * 60_000;
  if (!isLocal) return realParse(text);
  const utc = realParse(`${trimmed}${trimmed.includes("T") ? "Z" : " UTC"}`);
  return Number.isNaN(utc) ? realParse(text) : utc - offsetMs;
}
