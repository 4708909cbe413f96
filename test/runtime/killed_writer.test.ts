// Kills a writer under each runtime at random moments and opens what it left under another: everything acknowledged
// is there, in order, and nothing that was never sent. A failure prints the seed; MINISTATE_SEED runs it again.

import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { run, type Runtime, runtimes, start } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const KILLS = 3;
const seed = Number(process.env.MINISTATE_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Mulberry32: small, and the same on every runtime. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lets a writer run until it has acknowledged something and for a random time beyond, then kills it. */
async function killWriter(runtime: Runtime, path: string, random: () => number): Promise<number[]> {
  const size = Math.floor(random() ** 3 * 4000);
  const writer = start(runtime, "write_state.ts", [path, String(size)]);
  const acknowledged: number[] = [];
  const count = 1 + Math.floor(random() * 300);
  const delayMs = random() * 5;
  await new Promise<void>((resolve, reject) => {
    writer.onLine((line) => {
      if (!line.startsWith("start")) acknowledged.push(Number(line));
      if (acknowledged.length === count) setTimeout(resolve, delayMs);
    });
    writer.ended.then(({ errors }) => reject(new Error(`it ended by itself: ${errors}`)), reject);
  });
  writer.child.kill("SIGKILL");
  await writer.ended;
  return acknowledged;
}

for (const [i, runtime] of runtimes.entries()) {
  const other = runtimes[(i + 1) % runtimes.length]!;
  test(`open() under ${other} finds everything acknowledged when a writer under ${runtime} is killed`, async () => {
    const random = randomOf(seed + i);
    await using directory = await temporaryDirectory();
    let kept = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      const note = `MINISTATE_SEED=${seed}, kill ${kill}`;
      const acknowledged = await killWriter(runtime, directory.path, random);
      assertEquals(acknowledged, acknowledged.map((_, n) => kept + n + 1), `${note}: out of order`);
      const { state, sequence, recovery, code, message } = await run(other, "open_state.ts", [
        directory.path,
      ]);
      assertEquals(code, undefined, `${note}: ${message}`);
      assertEquals(recovery.lost, null, note);
      const last = acknowledged.at(-1)!;
      assert(sequence >= last, `${note}: ${last} was acknowledged, ${sequence} is there`);
      // Sixteen calls are under way at most, beyond what was printed and not read yet.
      assertEquals(
        state.entries.map(({ sent }: { sent: number }) => sent),
        Array.from({ length: sequence }, (_, n) => n + 1),
        note,
      );
      const again = await run(runtime, "open_state.ts", [directory.path]);
      assertEquals(again.state.entries.length, sequence, `${note}: opened again`);
      assertEquals(again.recovery.torn, null, note);
      kept = sequence;
    }
  });
}
