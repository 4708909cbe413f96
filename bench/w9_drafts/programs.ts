/**
 * What the mutators of W9 do, on states of usual shapes and sizes.
 *
 * @module
 */

/** Makes a state and changes it, once for each call. */
export interface Program {
  name: string;
  make(): unknown;
  /** The `k`-th call; returns what `apply` would. */
  change(state: never, k: number): unknown;
}

interface Item {
  n: number;
}

const MANY = 10_000;
const record = () =>
  Object.fromEntries(Array.from({ length: MANY }, (_, i) => [`id${i}`, { n: i }]));
/** Items in no order. */
const items = (length: number): Item[] =>
  Array.from({ length }, (_, i) => ({ n: i * 7919 % 10_007 }));
const numbers = (length: number) => items(length).map(({ n }) => n);

function program<S>(
  name: string,
  make: () => S,
  change: (state: S, k: number) => unknown,
): Program {
  return { name, make, change };
}

/** Every program of the workload. */
export const programs: readonly Program[] = [
  program("a counter: state.value += by", () => ({ value: 0 }), (state, k) => state.value += k),
  program(
    "a member five objects deep",
    () => ({ a: { b: { c: { d: { n: 0 } } } } }),
    (state, k) => state.a.b.c.d.n += k,
  ),
  program("a member of one of 10,000 records", record, (state, k) => state[`id${k % MANY}`]!.n++),
  program("replacing one of 10,000 records", record, (state, k) => {
    state[`id${k % MANY}`] = { n: k };
  }),
  program("deleting one of 10,000 records, adding another", record, (state, k) => {
    delete state[`id${k}`];
    state[`id${k + MANY}`] = { n: k };
  }),
  program("deleting one of 10,000 records, adding it again", record, (state, k) => {
    const id = `id${k % MANY}`;
    const value = state[id]!;
    delete state[id];
    state[id] = value;
  }),
  program("push and shift, array of 1,000 objects", () => items(1000), (state, k) => {
    state.push({ n: k });
    return state.shift()!.n;
  }),
  program("splice in the middle of 10,000 numbers", () => numbers(MANY), (state, k) => {
    state.splice(MANY / 2, 1, k);
  }),
  // Each call finds the order of the call before reversed.
  program("sort 10,000 numbers", () => numbers(MANY), (state, k) => {
    state.sort((a, b) => k % 2 === 0 ? a - b : b - a);
  }),
  program("sort 10,000 objects by a member", () => items(MANY), (state, k) => {
    state.sort((a, b) => k % 2 === 0 ? a.n - b.n : b.n - a.n);
  }),
  program("find one of 1,000 objects", () => items(1000), (state, k) => {
    const wanted = k * 7919 % 1000 * 7919 % 10_007;
    return state.find(({ n }) => n === wanted)?.n;
  }),
  program("for … of 1,000 objects", () => items(1000), (state) => {
    let sum = 0;
    for (const { n } of state) sum += n;
    return sum;
  }),
  program("Object.keys of 10,000 records", record, (state) => Object.keys(state).length),
];
