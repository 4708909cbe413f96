// Checks a mutator in a program that waits for nothing else, where all timers are frozen as under a fake clock, and
// prints the rules that were found broken. Usage: check_alone.ts

import { checkMutator, MutatorCheckError } from "../../../testing.ts";

for (const name of ["setTimeout", "setInterval", "setImmediate"]) {
  Reflect.set(globalThis, name, () => ({ unref() {}, ref() {} }));
}

interface State {
  count: number;
}

const mutators = [
  { initial: () => ({ count: 0 }), apply: (state: State, by: number) => state.count += by },
  {
    initial: () => ({ count: 0 }),
    apply: (state: State, by: number) => void Promise.resolve().then(() => state.count += by),
  },
];
const found: string[] = [];
for (const mutator of mutators) {
  try {
    await checkMutator(mutator, { generate: () => 1, historyCount: 1, mutationCount: 3 });
    found.push("none");
  } catch (error) {
    if (!(error instanceof MutatorCheckError)) throw error;
    found.push(error.rule);
  }
}
console.log(JSON.stringify(found));
