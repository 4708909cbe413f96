// What the board's programs write, and the state it must lead to: mutation number i is the same wherever it is drawn, so a
// recovered state can be recomputed from its sequence alone.

/** One mutation. */
export interface Entry {
  number: number;
  key: string;
  value: number;
  pad: string;
}

/** The state: a few values, how many mutations made it, and a number that every one of them changed, in order. */
export interface Ledger {
  count: number;
  chain: number;
  values: Record<string, number>;
}

const KEYS = 40;
/** Lines from less than a sector to several of them, so that a torn one can lose its middle. */
const PAD_SIZES = [0, 20, 300, 1400, 3000];

/** Mutation number `number`, from 1 on. */
export function entry(number: number): Entry {
  const value = Math.imul(number, 2_654_435_761) >>> 0;
  const padSize = PAD_SIZES[value % PAD_SIZES.length]!;
  return { number, key: `k${number % KEYS}`, value, pad: `${value}`.padEnd(padSize, ".") };
}

/** A line of exactly 100 bytes with a few digits more or less, for counting what one costs. */
export function smallEntry(number: number): Entry {
  return { ...entry(number), pad: ".".repeat(20) };
}

/** Applies one mutation. One that is missing, doubled or out of order is noticed at once. */
export function applyEntry(state: Ledger, { number, key, value }: Entry): number {
  if (number !== state.count + 1) throw new Error(`mutation ${number} after ${state.count}`);
  state.count = number;
  state.chain = Math.imul(state.chain ^ value, 16_777_619) >>> 0;
  state.values[key] = value;
  return number;
}

/** The mutator of the board's programs. */
export const ledger = {
  name: "ledger",
  initial: (): Ledger => ({ count: 0, chain: 0, values: {} }),
  apply: applyEntry,
};

/** What the state must be after `count` mutations; reckoned without the library. */
export function expected(count: number): Ledger {
  const state = ledger.initial();
  for (let number = 1; number <= count; number++) applyEntry(state, entry(number));
  return state;
}

/** Says what is wrong with a state that should be the one after `count` mutations; `null` when nothing is. */
export function differs(state: Ledger, count: number): string | null {
  const wanted = expected(count);
  if (state.count !== count) return `the state counts ${state.count} mutations, not ${count}`;
  if (state.chain !== wanted.chain) return `the state after ${count} is of other mutations`;
  const keys = [...new Set([...Object.keys(state.values), ...Object.keys(wanted.values)])];
  const wrong = keys.find((key) => state.values[key] !== wanted.values[key]);
  return wrong === undefined ? null : `"${wrong}" is ${state.values[wrong]} after ${count}`;
}
