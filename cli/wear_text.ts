/**
 * Describes what a directory has written, and how long a card would last.
 *
 * @module
 */

import type { WearInspection } from "../src/wear/inspection.ts";
import { cardYears } from "../src/format/write_totals.ts";
import { countText, numberText, sizeText, timeText } from "./text.ts";

/** What was written, in one or two lines. */
export function wearText(written: WearInspection): string[] {
  const { since, mutations, cardBytes, writes, syncs } = written;
  const { cardBytesPerMutation: each, writeAmplification: times } = written;
  const from = since === 1 ? "" : ` from sequence ${since} on; what came before is not known`;
  const calls = `${countText(writes, "write")}, ${countText(syncs, "sync")}`;
  const total = `${countText(mutations, "mutation")}${from}: ${sizeText(cardBytes)}, ${calls}`;
  // Without a mutation there is no value for either.
  if (each === null) return [total];
  return [
    total,
    `${sizeText(Math.round(each))} for each mutation, ${roundText(times!)} times its record`,
  ];
}

/** A shorter journal shows no rate: the start alone writes more than the hours after it. */
const SPAN_MIN_MS = 24 * 60 * 60 * 1000;

/** The years that a card lasts at the rate of the kept journal; `null` when the rate is unknown. */
export function cardYearsOf({ period }: WearInspection, enduranceBytes: number): number | null {
  if (period === null || period.to - period.from < SPAN_MIN_MS) return null;
  return cardYears(enduranceBytes, period.cardBytes, period.to - period.from);
}

/** How long a card lasts, in a line. */
export function cardText(written: WearInspection, enduranceBytes: number): string {
  const years = cardYearsOf(written, enduranceBytes);
  if (years === null && written.period !== null) {
    return "too little to tell: the kept journal spans less than a day";
  }
  if (years === null) {
    return "it is not known how long it lasts: the kept journal spans no time, or the clock was not set";
  }
  const duration = years < 1
    ? countText(Math.floor(years * 365.25), "day")
    : `${roundText(years)} years`;
  const { from, to } = written.period!;
  return `lasts ${duration} at the rate from ${timeText(from)} to ${timeText(to)}`;
}

/** Rounds to one decimal, or to a whole number from 100 on. */
function roundText(value: number): string {
  return numberText(value < 100 ? Math.round(value * 10) / 10 : Math.round(value));
}
