// Makes a state of a given shape and prints what is in it: make_state.ts DIRECTORY closed|torn|migrated|"one more".

import process from "node:process";
import { StateManager } from "@ministate/ministate";
import { journalName, type Ledger, ledger, openLedger } from "../samples.ts";

const [directory, shape] = process.argv.slice(2);
if (shape === "migrated") await makeOlder();
await using manager = await openLedger(directory!, {
  segmentSizeMax: 65_536,
  compaction: "manual",
});
if (shape === "one more") await manager.apply("one more");
else await fill();
const { sequence, journalPath } = manager;
const printed = JSON.stringify({ sequence, journalPath, state: manager.snapshot() }) + "\n";
await new Promise<void>((resolve) => process.stdout.write(printed, () => resolve()));
if (shape === "torn") process.kill(process.pid, "SIGKILL");

async function fill(): Promise<void> {
  const texts = ["", "plain", "ä 漢 😀 \u2028 \ud800", '"\\\n\0', "deadbeef", "x".repeat(100_000)];
  for (const text of texts) await manager.apply({ text });
  await manager.applyAll([1, -0.1, 1e300, 5e-324, 2 ** 53, [[]], {}, null]);
  await manager.apply(JSON.parse('{"__proto__":{"a":1},"10":1,"9":2}'));
  await manager.compact();
  await Promise.all(
    Array.from({ length: 300 }, (_, i) => manager.apply({ i, text: "y".repeat(300) })),
  );
  await manager.compact();
  await manager.applyAll(["last", "two"]);
}

/** A state whose mutations are wrapped, which the current {@linkcode ledger} can't distinguish from its own. */
async function makeOlder(): Promise<void> {
  await using manager = await StateManager.open<Ledger, unknown, number>(
    directory!,
    journalName,
    ledger,
  );
  for (let i = 0; i < 5; i++) await manager.apply(i);
  await manager.compact();
  await manager.apply("after the snapshot");
}
