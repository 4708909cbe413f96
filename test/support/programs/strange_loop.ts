// Applies more mutations than one turn of the loop takes, where setImmediate never ticks, or is missing, from the start.

import process from "node:process";

const [path, how] = process.argv.slice(2);
if (how === "missing") delete (globalThis as { setImmediate?: unknown }).setImmediate;
else Object.assign(globalThis, { setImmediate: () => ({}) });

const { StateManager } = await import("@ministate/ministate");
const mutator = {
  initial: () => ({ sum: 0 }),
  apply: (s: { sum: number }, by: number) => s.sum += by,
};
const manager = await StateManager.open(path!, "a.wal.jsonl", mutator);
for (let i = 0; i < 200; i++) await manager.apply(1);
await manager.close();
console.log(JSON.stringify(manager.state.sum));
