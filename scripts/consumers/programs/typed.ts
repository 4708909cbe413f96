// Uses every entry of the package, with types that must come out right.

import { StateManager } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { checkMutator, PowerCutDisk } from "@ministate/ministate/testing";

const counter = {
  initial: () => ({ value: 0 }),
  apply(state: { value: number }, mutation: { by: number }) {
    state.value += mutation.by;
    return state.value;
  },
};

await using manager = await StateManager.open("./typed", "counter.wal.jsonl", counter);
const { sequence, result } = await manager.apply({ by: 10 });
const value: number = result;
// @ts-expect-error: a mutation of another shape
export const wrong = () => manager.apply({ by: "ten" });

await using journal = await Journal.open<{ by: number }>("./log", "log.wal.jsonl");
await journal.append({ by: 1 });
const store = await SnapshotStore.open<{ by: number }>("./snapshots", "count");
await store.create(1, { by: 1 });
await store.close();
await checkMutator(counter, { generate: (random) => ({ by: random.below(10) }) });

// Classes are the same in every entry.
const fs = new PowerCutDisk();
const options = { fs, create: false };
const error = await StateManager.open("/none", "c.wal.jsonl", counter, options).catch((e) => e);
console.log(`mutation ${sequence}: the value is ${value}`, error.constructor.name);
