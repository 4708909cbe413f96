// The ten lines of the README as plain JavaScript, for a runtime that knows no types and no `await using`.

import { StateManager } from "@ministate/ministate";

const counter = {
  initial: () => ({ value: 0 }),
  apply(state, mutation) {
    state.value += mutation.by;
    return state.value;
  },
};

const manager = await StateManager.open("./state", "counter.wal.jsonl", counter);
const { sequence, result } = await manager.apply({ by: 10 });
console.log(`mutation ${sequence}: the value is ${result}`);
await manager.close();
