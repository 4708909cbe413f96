// One process of a simulation: runs its share of a campaign, and says what it counts, one line of JSON at a time.

import { writeSync } from "node:fs";
import process from "node:process";
import { type CampaignOptions, type Kind, runCampaign } from "./campaign.ts";
import type { Tally } from "./tally.ts";
import { isDamage, type Message, type Row, type Totals } from "./results.ts";

/** How often the totals are reported. The clock is checked only once every so many states. */
const TELL_MS = 250;
const STATES_PER_LOOK = 32;
/** How long to wait when nobody has read the output. */
const PIPE_FULL_MS = 5;

// Every power cut is an error, and most of its cost is the stack trace, which nobody reads.
Error.stackTraceLimit = 8;

const options: CampaignOptions & { seconds: number | null } = JSON.parse(process.argv[2]!);
const rows = new Map<string, Row>();
const totals: Totals = { crashStates: 0, damaged: 0, faults: 0, failures: 0 };
let now = "";
let totalsSentAt = 0;
let looked = 0;

function say(message: Message): void {
  // JSON leaves the two line separators of Unicode as they are, and a reader that goes line by line ends a line there.
  const line = JSON.stringify(message).replace(/[\u2028\u2029]/g, "?");
  const bytes = new TextEncoder().encode(line + "\n");
  // Synchronous and to the end: the campaign never waits for anything, so nothing buffered would get out.
  for (let at = 0; at < bytes.length;) at += writeSome(bytes.subarray(at));
}

/** A pipe that is full takes nothing for now (EAGAIN): its reader is another process, which empties it meanwhile. */
function writeSome(bytes: Uint8Array): number {
  try {
    return writeSync(1, bytes);
  } catch (error) {
    if ((error as { code?: string }).code !== "EAGAIN") throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PIPE_FULL_MS);
    return 0;
  }
}

function sendTotals(): void {
  totalsSentAt = performance.now();
  say({ says: "totals", totals, now });
}

function begin(kind: Kind, workload: string): Tally {
  now = `${kind}: ${workload}`;
  sendTotals();
  return {
    state(operation, outcome) {
      const key = [kind, workload, operation, outcome].join("\n");
      const row = rows.get(key) ?? { kind, workload, operation, outcome, count: 0 };
      row.count++;
      rows.set(key, row);
      totals[isDamage(kind) ? "damaged" : "crashStates"]++;
      if (++looked % STATES_PER_LOOK === 0 && performance.now() - totalsSentAt > TELL_MS) {
        sendTotals();
      }
    },
    fault: () => totals.faults++,
  };
}

function failed(kind: Kind, workload: string, error: unknown): void {
  totals.failures++;
  sendTotals();
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  const stack = cause instanceof Error ? `\n${cause.stack}` : "";
  const seed = (error as { seed?: number }).seed ?? options.seed;
  say({ says: "failure", failure: { kind, workload, message: message + stack, seed } });
}

const deadline = options.seconds === null ? Infinity : performance.now() + options.seconds * 1000;
// JSON has no Infinity: `null` stands for "as many as there is time for".
const histories = options.histories ?? Infinity;
await runCampaign({ ...options, histories, deadline }, { begin, failed });
sendTotals();
say({ says: "rows", rows: [...rows.values()] });
// Timers of managers that lost their power may be left.
process.exit(0);
