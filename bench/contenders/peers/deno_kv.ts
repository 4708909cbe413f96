/**
 * Deno KV, which keeps its values in SQLite.
 *
 * @module
 */

import type { Contender } from "../contender.ts";
import type { Reading } from "../../support/workload.ts";

/** Deno's types have it only when it is asked for. */
interface Kv {
  set(key: string[], value: Reading): Promise<unknown>;
  atomic(): Atomic;
  close(): void;
}

interface Atomic {
  set(key: string[], value: Reading): Atomic;
  commit(): Promise<unknown>;
}

/** More are refused in one transaction. */
const MUTATIONS_MAX = 1000;

/** `Deno.openKv`. */
export const contender: Contender = {
  name: "Deno KV",
  runtimes: ["deno"],
  durable: true,
  durability: "as it is: its SQLite syncs the log with every transaction",
  sharesSyncs: false,
  batchesByHand: true,
  async open(directory) {
    const { openKv } = Deno as unknown as { openKv(path: string): Promise<Kv> };
    const kv = await openKv(`${directory}/kv.db`);
    return {
      commit: (reading) => kv.set([reading.key], reading),
      async commitMany(readings) {
        for (let i = 0; i < readings.length; i += MUTATIONS_MAX) {
          const atomic = kv.atomic();
          for (const reading of readings.slice(i, i + MUTATIONS_MAX)) {
            atomic.set([reading.key], reading);
          }
          await atomic.commit();
        }
      },
      close: () => kv.close(),
    };
  },
};
