/**
 * Starts the telemetry keeper, listens to what it submits and acknowledges, and kills it in mid-write.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { Reading } from "../telemetry_state.ts";
import { type Runtime, start } from "./runtimes.ts";

const KEEPER = fileURLToPath(new URL("../telemetry.ts", import.meta.url));

/** Faster than anybody needs, so that every kill finds writes under way. */
const INTERVAL_MS = 8;

/** What the keeper said before it died. */
export interface Testimony {
  /** Every reading it was about to submit, in order. */
  sent: Reading[];
  /** Every sequence it held for durable, in order, with its reading. */
  acknowledged: { sequence: number; reading: Reading }[];
}

/**
 * Runs the keeper and kills it `lifeMs` after its first acknowledged reading.
 *
 * @throws {Error} when it ends by itself, which it never should
 */
export function runAndKill(
  runtime: Runtime,
  directory: string,
  lifeMs: number,
): Promise<Testimony> {
  const args = [directory, "--report", "--keep-history", "--interval", String(INTERVAL_MS)];
  const child = start(runtime, KEEPER, args);
  let text = "";
  let errors = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new Promise((resolve, reject) => {
    child.stdout!.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      if (part.includes('"acknowledged"')) {
        timer ??= setTimeout(() => child.kill("SIGKILL"), lifeMs);
      }
    });
    child.stderr!.setEncoding("utf8").on("data", (part: string) => errors += part);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      if (signal === "SIGKILL") resolve(testimonyOf(text));
      else reject(new Error(`The keeper on ${runtime} ended with ${signal ?? code}:\n${errors}`));
    });
  });
}

function testimonyOf(text: string): Testimony {
  const testimony: Testimony = { sent: [], acknowledged: [] };
  // What follows the last line feed is half a line, cut short by the kill.
  for (const line of text.split("\n").slice(0, -1)) {
    const said = JSON.parse(line);
    if (said.sent !== undefined) testimony.sent.push(said.sent);
    else testimony.acknowledged.push({ sequence: said.acknowledged, reading: said.reading });
  }
  return testimony;
}
