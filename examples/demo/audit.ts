/**
 * Holds what was recovered against what the keeper submitted and what it acknowledged.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import type { Reading, SensorState } from "../telemetry_state.ts";
import type { Testimony } from "./keeper.ts";
import type { Findings } from "./reader.ts";

/**
 * Compares one round and returns everything that is wrong.
 *
 * @param before the readings that were in the journal when the keeper was started
 */
export function audit(before: Reading[], { sent, acknowledged }: Testimony, found: Findings) {
  const problems: string[] = [];
  const submitted = [...before, ...sent];
  const highest = acknowledged.at(-1)?.sequence ?? before.length;
  const recovered = found.records.length;
  if (recovered < highest) problems.push(`${highest} acknowledged, only ${recovered} recovered`);
  if (recovered > submitted.length) {
    problems.push(`${recovered} recovered, only ${submitted.length} sent`);
  }
  if (found.recovery.sequence !== recovered) problems.push("the report and the journal differ");
  found.records.forEach(({ sequence, mutation }, i) => {
    if (sequence !== i + 1) problems.push(`record ${i + 1} has the sequence ${sequence}`);
    if (!isDeepStrictEqual(mutation, submitted[i])) {
      problems.push(`record ${i + 1} was not sent so`);
    }
  });
  acknowledged.forEach(({ sequence, reading }, i) => {
    if (sequence !== before.length + i + 1) problems.push(`sequence ${sequence} out of order`);
    if (!isDeepStrictEqual(reading, found.records[sequence - 1]?.mutation)) {
      problems.push(`the acknowledged reading ${sequence} is missing or changed`);
    }
  });
  problems.push(...auditState(found));
  return problems;
}

/** The state must be what all readings, each taken exactly once, come to; reckoned here without the library. */
function auditState({ records, state }: Findings): string[] {
  const expected = new Map<string, Omit<SensorState, "unit" | "latestAt">>();
  for (const { mutation: { sensor, value } } of records) {
    const before = expected.get(sensor) ?? { latest: 0, minimum: value, maximum: value, count: 0 };
    expected.set(sensor, {
      latest: value,
      minimum: Math.min(before.minimum, value),
      maximum: Math.max(before.maximum, value),
      count: before.count + 1,
    });
  }
  const problems: string[] = [];
  if (Object.keys(state.sensors).length !== expected.size) problems.push("sensors are missing");
  for (const [sensor, wanted] of expected) {
    const { latest, minimum, maximum, count } = state.sensors[sensor] ?? {};
    if (!isDeepStrictEqual({ latest, minimum, maximum, count }, wanted)) {
      problems.push(`the state of "${sensor}" is not what its readings come to`);
    }
  }
  return problems;
}
