// Tests that a mutator works on a draft as on the state itself, and that a throw leaves no trace of what it did.

import { assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { Draft } from "../../src/state/draft.ts";
import { realOf } from "../../src/state/draft_unwrap.ts";

interface Item {
  id: string;
  n: number;
  tags?: string[];
}

interface Home {
  value: number;
  items: Item[];
  byId: Record<string, Item>;
  list: number[];
  extra?: unknown;
}

const text =
  '{"value":1,"items":[{"id":"a","n":1},{"id":"b","n":2,"tags":["x"]},{"id":"c","n":3}],' +
  '"byId":{"7":{"id":"7","n":4},"x":{"id":"x","n":1},"y":{"id":"y","n":2},"__proto__":{"id":"p","n":3}},' +
  '"list":[3,1,2]}';
const home = (): Home => JSON.parse(text);

/** Every object of a value, in the order of a walk. */
function objectsOf(value: unknown): object[] {
  if (typeof value !== "object" || value === null) return [];
  return [value, ...Object.values(value).flatMap(objectsOf)];
}

/** What mutators do, one thing each. */
const changes: Record<string, (state: Home) => unknown> = {
  "adds to a number": (state) => state.value += 5,
  "adds a member": (state) => state.extra = { a: [1] },
  "replaces an object": (state) => state.byId = {},
  "changes a nested member": (state) => state.items[1]!.tags!.push("y"),
  "deletes a member": (state) => delete state.byId.x,
  "deletes a member and adds it again": (state) => {
    delete state.byId.x;
    state.byId.x = { id: "x", n: 9 };
  },
  "deletes a member, adds another and adds it again": (state) => {
    const x = state.byId.x!;
    delete state.byId.x;
    state.byId.z = { id: "z", n: 0 };
    state.byId.x = x;
    delete state.byId.x;
    return Object.keys(state.byId);
  },
  "deletes members and looks at the others": (state) => {
    delete state.byId.x;
    delete state.byId["7"];
    const seen = [];
    for (const key in state.byId) seen.push(key);
    return [
      seen,
      Object.keys(state.byId),
      "x" in state.byId,
      "y" in state.byId,
      state.byId.x,
      Object.hasOwn(state.byId, "x"),
      JSON.stringify(state.byId),
      { ...state.byId },
      "toString" in state.byId,
      Object.entries(state.byId),
      Object.keys(state),
    ];
  },
  "deletes a member with the name of an inherited one": (state) => {
    const bag = state.byId as Record<string, unknown> & { toString?: unknown };
    bag.toString = "own";
    delete bag.toString;
    return [typeof bag.toString, "toString" in bag, delete bag.absent];
  },
  "changes and deletes a member named __proto__": (state) => {
    if (Object.hasOwn(state.byId, "__proto__")) state.byId["__proto__"]!.n++;
    delete state.byId["__proto__"];
    return [Object.keys(state.byId), state.byId["__proto__"] === Object.prototype as unknown];
  },
  "sets a member named __proto__": (state) => {
    state.byId["__proto__"] = { id: "q", n: 1 };
    const member = { value: 1, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(state.items[0], "__proto__", member);
  },
  "defines members": (state) => {
    Object.defineProperty(state, "value", { value: 9 });
    Object.defineProperty(state, "value", { enumerable: true });
    const member = { writable: true, enumerable: true, configurable: true };
    Object.defineProperty(state, "extra", { ...member, value: state.items[0] });
    Object.defineProperty(state.items[0], "none", member);
    Object.defineProperty(state.list, "length", { value: 1 });
    Object.defineProperty(state.list, "length", { writable: true });
  },
  "assigns many members": (state) => Object.assign(state, { value: 7, extra: 1, list: [] }),
  "pushes": (
    state,
  ) => [state.list.push(4, 5), state.items.push({ id: "d", n: 4 }, state.items[0]!)],
  "pops": (state) => [state.list.pop(), state.items.pop(), state.items.length],
  "shifts": (state) => [state.list.shift(), state.items.shift(), state.items.length],
  "pops and shifts until nothing is left": (state) => {
    while (state.list.length > 0) state.list.pop();
    while (state.items.length > 0) state.items.shift();
    return [state.list.pop(), state.items.shift()];
  },
  "unshifts": (state) => [state.list.unshift(8, 9), state.items.unshift(state.items[2]!)],
  "splices": (state) => [state.list.splice(1, 1, 7, 8, 9), state.items.splice(-2, 1)],
  "splices without a count": (state) => [
    (state.list.splice as () => unknown)(),
    state.items.splice(1),
    state.items.length,
  ],
  "splices beyond the ends": (state) => [
    state.list.splice(-9, 1),
    state.list.splice(9, 1, 6),
    state.list.splice(NaN, 0, 5),
  ],
  "sorts": (state) => [state.list.sort(), state.items.sort((a, b) => b.n - a.n)],
  "sorts by a comparator that changes what it compares": (state) => {
    state.items.sort((a, b) => (a.n += 10) - (b.n -= 10));
    // How often engines compare differs, so the state does too.
    for (const item of state.items) item.n = 0;
    state.items.sort((a, b) => a.id < b.id ? 1 : -1);
  },
  "reverses": (state) => [state.list.reverse(), state.items.reverse()],
  "fills": (state) => [state.list.fill(0, 1), state.items.fill({ id: "f", n: 0 }, 0, 2)],
  "copies within": (state) => [state.list.copyWithin(0, 1), state.items.copyWithin(1, 0, 1)],
  "sets items": (state) => {
    state.list[0] = 100;
    state.list[3] = 4;
    state.items[0] = state.items[2]!;
  },
  "sets items far beyond the end and deletes others": (state) => {
    state.list[6] = 1;
    delete state.list[0];
    delete state.list[99];
    state.list.pop();
    return state.list.length;
  },
  "sets lengths": (state) => {
    state.items.length = 1;
    state.list.length = 5;
    state.list.length = 5;
    state.list.length = 0;
  },
  "calls methods of another array": (state) => {
    Array.prototype.push.call(state.list, 1);
    const { reverse } = [] as unknown[];
    reverse.call(state.items);
    return Array.prototype.concat.call([], state.items, [state.items[0]]);
  },
  "moves parts of the state": (state) => {
    state.extra = state.items[0];
    state.items.push(state.byId.x!);
    state.byId.c = state.items[2]!;
    state.byId.c.n = 50;
  },
  "keeps some items": (state) => state.items = state.items.filter((item) => item.n > 1),
  "assigns an object that holds parts of the state": (state) => {
    const made = { first: state.items[0], more: [[state.items[1]]], later: {} as unknown };
    state.extra = made;
    made.later = { also: state.byId };
    (state.extra as typeof made).more[0]![0]!.n = 77;
    return made;
  },
  "changes what it made after assigning it": (state) => {
    const made: Item = { id: "m", n: 0 };
    state.byId.m = made;
    state.items.push(made);
    state.items.at(-1)!.n++;
    made.n++;
    return [state.byId.m === made, state.items.indexOf(made), made.n];
  },
  "looks for items": (state) => {
    const { items, list } = state;
    const b = items[1]!;
    return [
      items.indexOf(b),
      items.includes(b),
      items.lastIndexOf(b),
      items.indexOf(b, 2),
      list.includes(2),
      list.lastIndexOf(3),
      list.lastIndexOf(2, 1),
      items.includes({ id: "b", n: 2 }),
      items.find((item) => item.n === 2) === b,
      items.findLast((item) => item === b) === b,
      items.findIndex((item) => item === b),
      items.findLastIndex((item) => item === b),
      items.some((item) => item === b),
      items.every((item) => item === b),
      items.slice(1)[0] === b,
      items.filter(function (this: Item, item) {
        return item === this;
      }, b).length,
    ];
  },
  "changes items that callbacks receive": (state) => {
    state.items.forEach((item, i, all) => item.n += i + all.length);
    state.items.map((item) => item).forEach((item) => item.n *= 2);
    for (const item of state.items) item.n++;
    for (const [, item] of Object.entries(state.byId)) item.n++;
    const { value } = Object.getOwnPropertyDescriptor(state, "items")!;
    value[0].n = 1000;
    return state.items.reduce((sum, item) => sum + item.n, 0);
  },
  "keeps the kinds of things": (state) => [
    Array.isArray(state.items),
    state.items instanceof Array,
    state instanceof Object,
    Array.isArray(state.items.concat(state.items)),
    [...state.items].length,
    Object.getPrototypeOf(state) === Object.prototype,
    state.items === state.items,
    state.items[0] === state.items[0],
    `${state.list}`,
    String(state),
    Object.isExtensible(state),
    (state as { __proto__?: unknown }).__proto__ === Object.prototype,
  ],
  "sets members under symbols and of arrays": (state) => {
    const bag = state.list as unknown as Record<PropertyKey, unknown>;
    bag[Symbol.for("s")] = 1;
    bag.name = "x";
    bag.name = "y";
    delete bag[Symbol.for("s")];
    return bag.name;
  },
  "sets undefined and over undefined": (state) => {
    state.extra = undefined;
    state.extra = 1;
  },
  "sets a member of what inherits from a part": (state) => {
    const child = Object.create(state.byId.x!);
    child.n = 5;
    return [state.byId.x!.n, child.n];
  },
};

for (const [name, change] of Object.entries(changes)) {
  test(`Draft does what the state does when apply() ${name}`, () => {
    const raw = home();
    const state = home();
    const draft = new Draft(state);
    const expected = change(raw);
    const result = draft.commit(change(draft.root));
    assertEquals(JSON.stringify(state), JSON.stringify(raw));
    assertEquals(JSON.stringify(result), JSON.stringify(expected));
    for (const part of [...objectsOf(state), ...objectsOf(result)]) {
      assertEquals(realOf(part), undefined, "a draft outlives the call");
    }
  });

  test(`Draft.undo() leaves no trace when apply() ${name} and throws`, () => {
    const state = home();
    const objects = objectsOf(state);
    const draft = new Draft(state);
    change(draft.root);
    change(draft.root);
    draft.undo(new Error("no"));
    assertEquals(JSON.stringify(state), text);
    objectsOf(state).forEach((part, i) => assertStrictEquals(part, objects[i]));
    assertEquals(Reflect.ownKeys(state.list), ["0", "1", "2", "length"]);
  });
}
