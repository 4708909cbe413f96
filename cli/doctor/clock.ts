/**
 * Checks the machine's clock. Nothing depends on it, so these findings are only worth knowing.
 *
 * @module
 */

import { timeText } from "../text.ts";
import { type DoctorFinding, type Fact, fine, isUnknown, unknownFinding } from "./finding.ts";

/** This version was made in 2026, so no correct clock shows an earlier time. */
const PLAUSIBLE_FROM = Date.UTC(2026, 0, 1);

/** What is known about the clock; times in milliseconds since 1970. */
export interface ClockFacts {
  now: number;
  /** The name of the clock chip. */
  rtc: Fact<string>;
  /** When the newest record was written, according to the record; `null` when there is none. */
  newest: number | null;
}

const HARMLESS = "Nothing is lost by it: sequences order the mutations, not times. But the times " +
  "in new records will mislead their readers";

/** Reports whether the time is plausible, and whether it survives a power cut. */
export function clockFindings({ now, rtc, newest }: ClockFacts): DoctorFinding[] {
  return [timeFinding(now, newest), rtcFinding(rtc)];
}

function timeFinding(now: number, newest: number | null): DoctorFinding {
  const check = "clock";
  const found = timeText(now);
  const advice = "Let the program start after time-sync.target if times matter to it";
  if (now < PLAUSIBLE_FROM) {
    const what = `${found}, before this version was made: it was never set`;
    return { check, mark: "notice", found: what, meaning: HARMLESS, advice };
  }
  if (newest !== null && now < newest) {
    const what = `${found}, earlier than the newest record (${timeText(newest)})`;
    return { check, mark: "notice", found: what, meaning: HARMLESS, advice };
  }
  return fine(check, found);
}

function rtcFinding(rtc: Fact<string>): DoctorFinding {
  const check = "clock chip";
  if (!isUnknown(rtc)) return fine(check, rtc);
  if (rtc.unknown !== "ENOENT") return unknownFinding(check, rtc);
  return {
    check,
    mark: "notice",
    found: "none",
    meaning: "After a power cut the clock is wrong until the network sets it; records written " +
      "before that have an old time",
    advice: "Nothing, unless times matter to you: then add a clock chip with a battery",
  };
}
