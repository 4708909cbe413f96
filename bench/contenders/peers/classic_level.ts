/**
 * LevelDB.
 *
 * @module
 */

import { type Contender, RUNTIMES } from "../contender.ts";
import { load } from "./load.ts";

interface Put {
  type: "put";
  key: string;
  value: string;
}

interface Level {
  open(): Promise<void>;
  put(key: string, value: string, options: { sync: boolean }): Promise<void>;
  batch(puts: Put[], options: { sync: boolean }): Promise<void>;
  values(): { nextv(count: number): Promise<string[]>; close(): Promise<void> };
  close(): Promise<void>;
}

/** How many are read with one call. */
const READ_AT_ONCE = 1000;

/** `classic-level`. */
export const contender: Contender = {
  name: "classic-level",
  runtimes: RUNTIMES,
  durable: true,
  durability: "`sync: true` with every write",
  // As many as there are threads in the pool.
  sharesSyncs: true,
  batchesByHand: true,
  async open(directory) {
    const level = await openLevel(directory);
    const sync = { sync: true };
    return {
      commit: (reading) => level.put(reading.key, JSON.stringify(reading), sync),
      commitMany: (readings) =>
        level.batch(
          readings.map((reading) => ({
            type: "put",
            key: reading.key,
            value: JSON.stringify(reading),
          })),
          sync,
        ),
      close: () => level.close(),
    };
  },
  async openLog(directory) {
    const level = await openLevel(directory);
    return {
      append: (first, texts) =>
        level.batch(
          texts.map((value, i) => ({
            type: "put",
            key: String(first + i).padStart(12, "0"),
            value,
          })),
          { sync: true },
        ),
      async replay(apply) {
        const values = level.values();
        for (;;) {
          const some = await values.nextv(READ_AT_ONCE);
          if (some.length === 0) break;
          for (const value of some) apply(value);
        }
        await values.close();
      },
      close: () => level.close(),
    };
  },
};

async function openLevel(directory: string): Promise<Level> {
  const { ClassicLevel } = load<{ ClassicLevel: new (path: string) => Level }>("classic-level");
  const level = new ClassicLevel(`${directory}/level`);
  await level.open();
  return level;
}
