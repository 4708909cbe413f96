/**
 * A small HTTP server that commits a reading on every request, and measures how long its event loop is blocked meanwhile.
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import type { Contender } from "../contenders/contender.ts";
import { runTimer } from "../support/loop_delay.ts";
import { quantile } from "../support/stats.ts";
import { FEW_KEYS, readingAt } from "../support/workload.ts";

/** What a server says once it can be asked. */
export interface Listening {
  port: number;
}

/** How late a timer of one millisecond was, in milliseconds, and how many requests were answered meanwhile. */
export interface Delay {
  p50: number;
  p99: number;
  max: number;
  requests: number;
}

/** Until the JIT compilers are warm and the disk's pace is known. */
const WARM_UP_MS = 700;

/** Says where it listens, serves, and ends with its figures. `module` is a contender's, or "nothing" to commit nothing. */
export async function serveRequests(
  module: string,
  directory: string,
  durationMs: number,
): Promise<void> {
  const store = module === "nothing"
    ? { commit: () => {} }
    : await (await import(`../contenders/${module}.ts`) as { contender: Contender }).contender.open(
      directory,
    );
  let requests = 0;
  const server = createServer(async (_, response) => {
    try {
      await store.commit(readingAt(requests++, FEW_KEYS));
      response.end("kept\n");
    } catch (error) {
      console.error(String(error));
      process.exit(1);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const listening: Listening = { port };
  console.log(JSON.stringify(listening));
  await runTimer(waited(WARM_UP_MS));
  const before = requests;
  const { all } = await runTimer(waited(durationMs));
  const delay: Delay = {
    p50: quantile(all, 0.5),
    p99: quantile(all, 0.99),
    max: quantile(all, 1),
    requests: requests - before,
  };
  console.log(JSON.stringify(delay));
  // Connections are still open, and some contenders leave a timer or a thread behind.
  process.exit();
}

function waited(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
