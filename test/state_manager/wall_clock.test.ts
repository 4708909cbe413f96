// Tests that nothing depends on the wall clock: it may be stuck in 1970, go backwards, or give no time at all.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import type { Change } from "@ministate/ministate";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const clocks: Record<string, { times: unknown[]; timestamps: number[] }> = {
  "in 1970": { times: [0, 0, 0], timestamps: [0, 0, 0] },
  "before 1970": { times: [-1, -86_400_000, -0.5], timestamps: [-1, -86_400_000, 0] },
  "going backwards": { times: [3000, 2000, 1000], timestamps: [3000, 2000, 1000] },
  "jumping far ahead": { times: [1, 2 ** 52, 2], timestamps: [1, 2 ** 52, 2] },
  "giving fractions": { times: [1.9, 2.1, 1e-9], timestamps: [1, 2, 0] },
  "giving no time": { times: [NaN, Infinity, -Infinity], timestamps: [0, 0, 0] },
  "giving numbers beyond all whole ones": { times: [1e21, -1e300, 2 ** 53], timestamps: [0, 0, 0] },
};

for (const [what, { times, timestamps }] of Object.entries(clocks)) {
  test(`apply() keeps order and history when the clock is ${what}`, async () => {
    await using directory = await temporaryDirectory();
    let time = times[0];
    const options = { clock: () => time as number, segmentSizeMax: 65_536 };
    {
      await using manager = await openLedger(directory.path, options);
      for (const [i, t] of times.entries()) {
        time = t;
        await manager.apply(i);
        await manager.compact();
      }
      await manager.applyAll(["a", "b"]);
    }
    time = times[0];
    await using manager = await openLedger(directory.path, options);
    assertEquals(manager.snapshot(), { entries: [0, 1, 2, "a", "b"] });
    assertEquals(manager.recovery.snapshotsSkipped, []);
    const changes: Change<unknown>[] = [];
    for await (const change of manager.changes({ from: 3 })) {
      changes.push(change);
      if (change.sequence === 5) break;
    }
    assertEquals(changes.map(({ timestamp }) => timestamp), [
      timestamps[2],
      timestamps[2],
      timestamps[2],
    ]);
  });
}
