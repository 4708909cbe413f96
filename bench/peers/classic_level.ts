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
  close(): Promise<void>;
}

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
    const { ClassicLevel } = load<{ ClassicLevel: new (path: string) => Level }>("classic-level");
    const level = new ClassicLevel(`${directory}/level`);
    await level.open();
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
};
