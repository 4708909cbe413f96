/**
 * Writes a state as snapshot lines, none of which grows with the state. The reading side is snapshot_decode.ts.
 *
 * @module
 */

import { InvalidStateError } from "./errors.ts";
import { DEPTH_MAX, SNAPSHOT_LINE_WEIGHT } from "./format.ts";
import { describeFlaw, findJsonFlaw, type JsonFlaw } from "./json.ts";

/** Keys and positions that lead from the root of the state to a place in it. */
export type Path = (string | number)[];

/**
 * Yields the lines of a state, without line feeds: `[path, value]` puts a value at a path, `[path, part, 1]` adds
 * the members or items of `part` to what is there. Members keep their order.
 *
 * @throws {InvalidStateError} when the state holds something that JSON can't
 */
export function* encodeState(state: unknown): Generator<string> {
  yield* encodeAt([], state);
}

function* encodeAt(path: Path, value: unknown): Generator<string> {
  if (path.length > DEPTH_MAX) {
    throw invalid(path, { place: "", found: "a cycle, or nested too deeply" });
  }
  if (weigh(value, SNAPSHOT_LINE_WEIGHT) > 0 || value === null || typeof value !== "object") {
    yield JSON.stringify([path, checked(path, value)]);
    return;
  }
  yield JSON.stringify([path, Array.isArray(value) ? [] : {}]);
  yield* Array.isArray(value) ? encodeItems(path, value) : encodeMembers(path, value);
}

function* encodeItems(path: Path, items: unknown[]): Generator<string> {
  let part: unknown[] = [];
  let room = SNAPSHOT_LINE_WEIGHT;
  for (let i = 0; i < items.length; i++) {
    const rest = weigh(items[i], SNAPSHOT_LINE_WEIGHT);
    if ((rest === 0 || SNAPSHOT_LINE_WEIGHT - rest > room) && part.length > 0) {
      yield JSON.stringify([path, part, 1]);
      part = [];
      room = SNAPSHOT_LINE_WEIGHT;
    }
    if (rest === 0) {
      yield* encodeAt([...path, i], items[i]);
      continue;
    }
    part.push(checked([...path, i], items[i]));
    room -= SNAPSHOT_LINE_WEIGHT - rest;
  }
  if (part.length > 0) yield JSON.stringify([path, part, 1]);
}

function* encodeMembers(path: Path, object: object): Generator<string> {
  const flaw = findJsonFlaw(Object.create(Object.getPrototypeOf(object)));
  if (flaw !== null) throw invalid(path, flaw);
  // Lines are put together as text: a part held as an object would reorder keys that look like numbers no
  // differently, but would have to take special care of "__proto__".
  let part: string[] = [];
  let room = SNAPSHOT_LINE_WEIGHT;
  const flush = () => `[${JSON.stringify(path)},{${part.join(",")}},1]`;
  for (const key of Object.keys(object)) {
    const value = (object as Record<string, unknown>)[key];
    const rest = weigh(value, SNAPSHOT_LINE_WEIGHT) - key.length;
    if ((rest <= 0 || SNAPSHOT_LINE_WEIGHT - rest > room) && part.length > 0) {
      yield flush();
      part = [];
      room = SNAPSHOT_LINE_WEIGHT;
    }
    if (rest <= 0) {
      yield* encodeAt([...path, key], value);
      continue;
    }
    part.push(`${JSON.stringify(key)}:${JSON.stringify(checked([...path, key], value))}`);
    room -= SNAPSHOT_LINE_WEIGHT - rest;
  }
  if (part.length > 0) yield flush();
}

/**
 * Takes the weight of a value (one per node, one per character) off `room`.
 *
 * @returns what is left of the room, or 0 when the value doesn't fit; never looks at more than fits
 */
function weigh(value: unknown, room: number): number {
  room -= typeof value === "string" ? value.length + 1 : 1;
  if (room <= 0 || value === null || typeof value !== "object") return Math.max(room, 0);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && room > 0; i++) room = weigh(value[i], room);
    return room;
  }
  const object = value as Record<string, unknown>;
  for (const key in object) {
    if (room <= 0) break;
    room = weigh(object[key], room - key.length);
  }
  return Math.max(room, 0);
}

function checked(path: Path, value: unknown): unknown {
  const flaw = findJsonFlaw(value, path.length);
  if (flaw !== null) throw invalid(path, flaw);
  return value;
}

function invalid(path: Path, flaw: JsonFlaw): InvalidStateError {
  const place = path.map((step) => typeof step === "number" ? `[${step}]` : `.${step}`).join("") +
    flaw.place;
  return new InvalidStateError(
    `Cannot write a snapshot: in the state, ${
      describeFlaw({ place, found: flaw.found })
    }, which JSON can't hold; ` +
      "the journal is complete and nothing is lost: keep only JSON values in the state",
    { operation: "snapshot" },
  );
}
