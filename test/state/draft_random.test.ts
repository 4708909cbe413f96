// Tests drafts with random programs: what each does to a draft, a plain copy says; what undo() leaves is what was there.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { Draft } from "../../src/state/draft.ts";
import { realOf } from "../../src/state/draft_unwrap.ts";
import { Random, testSeed } from "../support/random.ts";
import { drawJson } from "../support/random_json.ts";

const KEYS = ["a", "b", "c", "d", "7", "12", "__proto__", "toString", "length"];
type Bag = Record<string, unknown>;

/** All objects that a state holds, each once, found in the same order for equal states. */
function objectsOf(value: unknown, found: object[] = [], seen = new Set<object>()): object[] {
  if (typeof value !== "object" || value === null || seen.has(value)) return found;
  found.push(value);
  seen.add(value);
  for (const key of Object.keys(value)) objectsOf((value as Bag)[key], found, seen);
  return found;
}

function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/** A state of nested records and arrays. */
function drawState(random: Random): Bag {
  const state: Bag = { list: [], bag: {}, deep: { list: [[1, 2], [3]] } };
  for (let i = random.below(12); i > 0; i--) {
    (state.list as unknown[]).push(
      random.below(3) === 0 ? { n: i, in: { n: i } } : random.below(20),
    );
  }
  for (const key of KEYS) {
    if (random.below(2) === 0) define(state.bag as Bag, key, { n: key.length });
  }
  return state;
}

/** One program: draws what it does and does it; the same seed does the same to an equal state. */
function run(root: Bag, random: Random, steps: number): unknown[] {
  const results: unknown[] = [];
  for (let step = 0; step < steps; step++) {
    const all = objectsOf(root);
    const target = all[random.below(all.length)]!;
    results.push(
      Array.isArray(target)
        ? changeArray(target, all, random)
        : changeBag(target as Bag, all, random),
    );
  }
  return results;
}

/** A value to assign: new, or a part of the state that doesn't hold `target`, which would make a cycle. */
function drawValue(target: object, all: object[], random: Random): unknown {
  const part = all[random.below(all.length)]!;
  if (random.below(3) === 0 && !objectsOf(part).includes(target)) {
    return random.below(2) === 0 ? part : { holds: [part] };
  }
  return random.below(2) === 0 ? random.below(100) : drawJson(random);
}

function changeBag(bag: Bag, all: object[], random: Random): unknown {
  const key = KEYS[random.below(KEYS.length)]!;
  switch (random.below(6)) {
    case 0:
    case 1:
      define(bag, key, drawValue(bag, all, random));
      return Object.keys(bag);
    case 2:
      if (key !== "__proto__") bag[key] = drawValue(bag, all, random);
      return Object.hasOwn(bag, key);
    case 3:
      return [delete bag[key], key in bag, Object.hasOwn(bag, key)];
    case 4: {
      const keys = Object.keys(bag);
      if (keys.length === 0) return null;
      const moved = keys[random.below(keys.length)]!;
      const value = bag[moved];
      delete bag[moved];
      define(bag, moved, value);
      return Object.keys(bag);
    }
    default:
      return JSON.stringify({ ...bag });
  }
}

function changeArray(list: unknown[], all: object[], random: Random): unknown {
  const value = drawValue(list, all, random);
  const at = random.below(list.length + 3) - 1;
  const compare = (a: unknown, b: unknown) => JSON.stringify(a).length - JSON.stringify(b).length;
  const methods = [
    () => list.push(value, 1),
    () => list.pop() === undefined,
    () => list.shift() === undefined,
    () => list.unshift(value, 2),
    () => JSON.stringify(list.splice(at, random.below(3), value)),
    () => list.splice(at).length,
    () => list.sort(compare) === list,
    () => list.reverse().length,
    () => list.copyWithin(at, random.below(3)).length,
    () => list.length === 0 ? 0 : list.fill(value, at, at + 1).length,
    () => list.length = random.below(list.length + 1),
    () => at >= 0 && at <= list.length ? list[at] = 3 : 0,
    () => [
      list.indexOf(list[1]),
      list.includes(list.at(-1)),
      list.filter((item) => item === list[0]).length,
    ],
    () => list.map((item) => item === list[0]),
  ];
  return methods[random.below(methods.length)]!();
}

const seed = testSeed("draft");

test("commit() leaves the state as the same random program leaves a plain one", () => {
  for (let round = 0; round < 300; round++) {
    const hint = `round ${round}: MINISTATE_TEST_SEED=${seed + round}`;
    const plain = drawState(new Random(seed + round));
    const state = drawState(new Random(seed + round));
    // Several calls: what one committed is the state of the next.
    for (let call = 0; call < 3; call++) {
      const programSeed = (seed + round) * 3 + call;
      const expected = run(plain, new Random(programSeed), 6);
      const draft = new Draft(state);
      const got = draft.commit(run(draft.root, new Random(programSeed), 6));
      assertEquals(JSON.stringify(got), JSON.stringify(expected), hint);
      assertEquals(JSON.stringify(state), JSON.stringify(plain), hint);
      // Parts that are in several places in the one are in the same places in the other.
      assertEquals(objectsOf(state).length, objectsOf(plain).length, hint);
      assert(
        objectsOf(state).every((part) => realOf(part) === undefined),
        `${hint}: a draft is left`,
      );
    }
  }
});

test("undo() leaves the state, and every object in it, as it was before a random program", () => {
  for (let round = 0; round < 300; round++) {
    const hint = `round ${round}: MINISTATE_TEST_SEED=${seed + round}`;
    const state = drawState(new Random(seed + round));
    for (let call = 0; call < 3; call++) {
      const before = JSON.stringify(state);
      const objects = objectsOf(state);
      const keys = objects.map((part) => Reflect.ownKeys(part));
      const draft = new Draft(state);
      run(draft.root, new Random((seed + round) * 3 + call), 8);
      draft.undo(null);
      assertEquals(JSON.stringify(state), before, hint);
      const after = objectsOf(state);
      assert(
        after.length === objects.length && after.every((part, i) => part === objects[i]),
        hint,
      );
      assertEquals(after.map((part) => Reflect.ownKeys(part)), keys, hint);
      // The next call meets parts that were moved and shared.
      const kept = new Draft(state);
      run(kept.root, new Random((seed + round) * 5 + call), 2);
      kept.commit(null);
    }
  }
});
