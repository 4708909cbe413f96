// The ten lines of the README: continues counting where the last run stopped, however that ended.

import { StateManager } from "@ministate/ministate";

const counter = {
  initial: () => ({ value: 0 }),
  apply(state: { value: number }, mutation: { by: number }) {
    state.value += mutation.by;
    return state.value;
  },
};

await using manager = await StateManager.open("./state", "counter.wal.jsonl", counter);
const { sequence, result } = await manager.apply({ by: 10 }); // durable once this resolves
console.log(`mutation ${sequence}: the value is ${result}`); // pull the plug now, and run it again
