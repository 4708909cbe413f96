// The end of a run, in words: what was cut, the results, the cost for the card, and the controls.

import {
  isSound,
  outcomesOf,
  ownTraffic,
  perMutation,
  type RigResults,
  stateCount,
} from "./results.ts";

/** What one acknowledged mutation of 100 bytes may cost the device. */
const FLUSHES_MAX = 1.05;
/** A lone caller waits for each mutation to be durable: with fewer flushes than mutations, some were not. */
const FLUSHES_MIN = 1;
const BYTES_MAX = 4.6 * 1024;

/** Prints the summary, and counts: one for each cut, control and other check. Adds a failure for a target missed. */
export function conclude(results: RigResults): { passed: number; failed: number } {
  judgeTraffic(results);
  const { cuts, controls, others, failures, seconds, seed } = results;
  const second = cuts.filter(({ cut }) => cut === 2).length;
  if (cuts.length > 0) console.log("\ncrash states by outcome");
  print(Object.entries(outcomesOf(cuts)));
  if (controls.length > 0) console.log("\ncontrols");
  for (const { subject, ignoresFlushes, states, failed, expected, asExpected } of controls) {
    const where = ignoresFlushes ? ", on a disk that ignores flushes" : "";
    console.log(
      `  ${
        asExpected ? "ok    " : "FAILED"
      } ${subject}${where}: ${failed} of ${states} crash states wrong, ` +
        `must be ${expected === "caught" ? "caught" : "sound"}`,
    );
  }
  console.log();
  for (const { name, ok, detail } of others) {
    console.log(`${ok ? "ok    " : "FAILED"} ${name}: ${detail}`);
  }
  for (const { what, detail, replay } of failures) {
    console.log(`\nFAILED ${what}\n  ${detail.replaceAll("\n", "\n  ")}\n  ${replay}`);
  }
  console.log(
    `\n${cuts.length} cuts (${second} during a recovery), ${stateCount(results)} crash states, ` +
      `${failures.length} things wrong in ${seconds.toFixed(0)} s, seed ${seed}`,
  );
  const rows = [
    ...cuts.map(isSound),
    ...controls.map(({ asExpected }) => asExpected),
    ...others.map(({ ok }) => ok),
  ];
  const passed = rows.filter((ok) => ok).length;
  return { passed, failed: rows.length - passed };
}

function judgeTraffic(results: RigResults): void {
  for (const [runtime, traffic] of Object.entries(ownTraffic(results.cuts))) {
    if (traffic.acknowledged === 0) continue;
    const { flushes, bytes } = perMutation(traffic);
    const problem = trafficProblem(flushes, bytes);
    const detail =
      `${flushes.toFixed(3)} flushes and ${
        bytes.toFixed(0)
      } bytes for each of ${traffic.acknowledged} ` +
      `mutations of 100 bytes (${FLUSHES_MIN} to ${FLUSHES_MAX} flushes, at most ${
        BYTES_MAX.toFixed(0)
      } bytes)` +
      (problem === null ? "" : `: ${problem}`);
    const name = `what the card is asked for, ${runtime} on ext4`;
    results.others.push({ name, ok: problem === null, detail });
    if (problem !== null) results.failures.push({ what: name, detail, replay: results.command });
  }
}

/** What is wrong with the traffic of a lone caller, or `null`. */
export function trafficProblem(flushes: number, bytes: number): string | null {
  if (flushes < FLUSHES_MIN) {
    return "a lone caller's mutations were acknowledged before the card had flushed them: a sync is missing";
  }
  if (flushes > FLUSHES_MAX) return "the card is made to flush more often than once for a mutation";
  return bytes > BYTES_MAX ? "the card is made to write more than a mutation needs" : null;
}

function print(counts: [string, number][]): void {
  for (const [name, count] of counts.toSorted((a, b) => b[1] - a[1])) {
    console.log(`  ${name.padEnd(42)}${String(count).padStart(8)}`);
  }
}
