/**
 * Writes a state as snapshot lines, none of which grows with the state. The reading side is snapshot_decode.ts.
 *
 * @module
 */

import { InvalidStateError } from "../errors.ts";
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
export function encodeState(state: unknown): Generator<string> {
  return new StateEncoder().encodeAt([], state);
}

class StateEncoder {
  /** The keys of objects too large for one line: listing them takes long, so it is done once. */
  readonly #keys = new Map<object, string[]>();

  *encodeAt(path: Path, value: unknown): Generator<string> {
    if (path.length > DEPTH_MAX) {
      throw invalid(path, { place: "", found: "a cycle, or nested too deeply" });
    }
    const fits = this.#weigh(value, SNAPSHOT_LINE_WEIGHT) > 0;
    if (fits || value === null || typeof value !== "object") {
      yield JSON.stringify([path, checked(path, value)]);
      return;
    }
    yield JSON.stringify([path, Array.isArray(value) ? [] : {}]);
    yield* Array.isArray(value) ? this.#encodeItems(path, value) : this.#encodeMembers(path, value);
  }

  *#encodeItems(path: Path, items: unknown[]): Generator<string> {
    let part: string[] = [];
    let room = SNAPSHOT_LINE_WEIGHT;
    const flush = () => `[${JSON.stringify(path)},[${part.join(",")}],1]`;
    for (let i = 0; i < items.length; i++) {
      const rest = this.#weigh(items[i], SNAPSHOT_LINE_WEIGHT);
      if ((rest === 0 || SNAPSHOT_LINE_WEIGHT - rest > room) && part.length > 0) {
        yield flush();
        part = [];
        room = SNAPSHOT_LINE_WEIGHT;
      }
      if (rest === 0) {
        yield* this.encodeAt([...path, i], items[i]);
        continue;
      }
      part.push(JSON.stringify(checked([...path, i], items[i])));
      room -= SNAPSHOT_LINE_WEIGHT - rest;
    }
    if (part.length > 0) yield flush();
  }

  // Lines are put together as text: a part held as an object would have to take special care of "__proto__".
  *#encodeMembers(path: Path, object: object): Generator<string> {
    const flaw = findJsonFlaw(Object.create(Object.getPrototypeOf(object)));
    if (flaw !== null) throw invalid(path, flaw);
    let part: string[] = [];
    let room = SNAPSHOT_LINE_WEIGHT;
    const flush = () => `[${JSON.stringify(path)},{${part.join(",")}},1]`;
    for (const key of this.#keysOf(object)) {
      const value = (object as Record<string, unknown>)[key];
      const rest = this.#weigh(value, SNAPSHOT_LINE_WEIGHT) - key.length;
      if ((rest <= 0 || SNAPSHOT_LINE_WEIGHT - rest > room) && part.length > 0) {
        yield flush();
        part = [];
        room = SNAPSHOT_LINE_WEIGHT;
      }
      if (rest <= 0) {
        yield* this.encodeAt([...path, key], value);
        continue;
      }
      part.push(`${JSON.stringify(key)}:${JSON.stringify(checked([...path, key], value))}`);
      room -= SNAPSHOT_LINE_WEIGHT - rest;
    }
    if (part.length > 0) yield flush();
  }

  #keysOf(object: object): string[] {
    return this.#keys.get(object) ?? Object.keys(object);
  }

  /**
   * Takes the weight of a value (one per node, one per character) off `room`.
   *
   * @returns what is left of the room, or 0 when the value doesn't fit; never looks at more than fits
   */
  #weigh(value: unknown, room: number, depth = 0): number {
    room -= typeof value === "string" ? value.length + 1 : 1;
    if (room <= 0 || value === null || typeof value !== "object") return Math.max(room, 0);
    // A cycle never fits; following it to the end of the room would overflow the stack.
    if (depth > DEPTH_MAX) return 0;
    depth++;
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length && room > 0; i++) room = this.#weigh(value[i], room, depth);
      return room;
    }
    const object = value as Record<string, unknown>;
    const keys = this.#keysOf(object);
    for (const key of keys) {
      room = room > key.length ? this.#weigh(object[key], room - key.length, depth) : 0;
      if (room > 0) continue;
      this.#keys.set(object, keys);
      return 0;
    }
    return room;
  }
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
