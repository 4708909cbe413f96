/**
 * Writes a state as snapshot lines whose size doesn't grow with the state. The reading side is snapshot_decode.ts.
 *
 * @module
 */

import { InvalidStateError } from "../errors.ts";
import { SNAPSHOT_LINE_WEIGHT, STATE_DEPTH_MAX } from "./format.ts";
import { describeFlaw, findContainerFlaw, findJsonFlaw, type JsonFlaw } from "./json.ts";

/** The keys and positions that lead from the root of the state to a place in it. */
export type Path = (string | number)[];

/** A container too large for one line, and how much of it has been written. */
interface Unfinished {
  container: unknown[] | Record<string, unknown>;
  /** An object's keys; `null` for an array. */
  keys: string[] | null;
  /** The position of the next item or member. */
  next: number;
  /** Whether the next one is known to need its own lines. */
  nextIsLarge: boolean;
}

/**
 * Yields the lines of a state, without line feeds: `[path, value]` puts a value at a path, `[path, part, 1]` adds
 * the items of `part` to what is there; to an object, a key and a value in turn. Members keep their order.
 *
 * @throws {InvalidStateError} when the state holds something that JSON can't
 */
export function encodeState(state: unknown): Generator<string> {
  return new StateEncoder().encode(state);
}

class StateEncoder {
  /** The keys of objects too large for one line. Listing them is slow, so it is done once. */
  readonly #keys = new Map<object, string[]>();
  /** Where the walk is. The containers along the path are in `#open`. */
  readonly #path: Path = [];
  readonly #open: Unfinished[] = [];
  /** Whether the value weighed last holds something that JSON can't. */
  #isFlawed = false;

  // Uses a list, not recursion: a state may be nested deeper than generators allow.
  *encode(state: unknown): Generator<string> {
    yield this.#put(state, this.#weigh(state, 0) === 0);
    for (let top; (top = this.#open.at(-1)) !== undefined;) {
      const count = top.keys?.length ?? top.container.length as number;
      if (!top.nextIsLarge && top.next < count) {
        const line = this.#part(top, count);
        if (line !== null) yield line;
      } else if (top.next < count) {
        this.#path.push(top.keys === null ? top.next : top.keys[top.next]!);
        const value = memberOf(top, top.next++);
        top.nextIsLarge = false;
        yield this.#put(value, this.#weigh(value, this.#path.length) === 0);
      } else {
        this.#open.pop();
        this.#path.pop();
      }
    }
  }

  /** Puts a value at the path: all of it, or an empty container to be filled by later lines. */
  #put(value: unknown, isLarge: boolean): string {
    const path = this.#path;
    if (!isLarge || value === null || typeof value !== "object") {
      const line = JSON.stringify([path, this.#checked(value)]);
      path.pop();
      return line;
    }
    // The container itself was checked when it was weighed.
    const isArray = Array.isArray(value);
    const keys = isArray ? null : this.#keysOf(value);
    const container = value as Unfinished["container"];
    this.#open.push({ container, keys, next: 0, nextIsLarge: false });
    return JSON.stringify([path, isArray ? [] : {}]);
  }

  /** A line with as many of the next members as fit; `null` when the next one fits in no line. */
  #part(top: Unfinished, count: number): string | null {
    const { keys } = top;
    const path = this.#path;
    const part: unknown[] = [];
    for (let room = SNAPSHOT_LINE_WEIGHT; top.next < count; top.next++) {
      const key = keys?.[top.next];
      const value = memberOf(top, top.next);
      const rest = this.#weigh(value, path.length + 1) - (key?.length ?? 0);
      top.nextIsLarge = rest <= 0;
      if (top.nextIsLarge || part.length > 0 && SNAPSHOT_LINE_WEIGHT - rest > room) break;
      path.push(key ?? top.next);
      if (key !== undefined) part.push(key);
      part.push(this.#checked(value));
      path.pop();
      room -= SNAPSHOT_LINE_WEIGHT - rest;
    }
    if (part.length === 0) return null;
    return JSON.stringify([path, part, 1]);
  }

  #keysOf(object: object): string[] {
    return this.#keys.get(object) ?? Object.keys(object);
  }

  /** Returns the value weighed last if JSON can hold it. Otherwise, finds the place in it that JSON can't hold. */
  #checked(value: unknown): unknown {
    const path = this.#path;
    const flaw = this.#isFlawed ? findJsonFlaw(value, STATE_DEPTH_MAX, path.length) : null;
    if (flaw !== null) throw invalid(path, flaw);
    return value;
  }

  /**
   * Weighs a value: one per node, one per character. On the way, finds out whether JSON can hold it: a walk of its own
   * for that would double the time that callers wait.
   *
   * @param depth how deep the value is in the state
   * @returns the room that is left in a line, or 0 when the value doesn't fit
   */
  #weigh(value: unknown, depth: number): number {
    this.#isFlawed = false;
    return this.#weighIn(value, SNAPSHOT_LINE_WEIGHT, depth);
  }

  /** Takes the weight of a value off `room`. Never looks at more than fits. */
  #weighIn(value: unknown, room: number, depth: number): number {
    if (typeof value === "string") return Math.max(room - value.length - 1, 0);
    room--;
    if (typeof value !== "object" || value === null) {
      const isJson = value === null || typeof value === "boolean" || Number.isFinite(value);
      if (!isJson) this.#isFlawed = true;
      return room;
    }
    // Following a cycle until the room runs out would overflow the stack.
    if (depth >= STATE_DEPTH_MAX || findContainerFlaw(value) !== null) {
      this.#isFlawed = true;
      return room;
    }
    depth++;
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length && room > 0; i++) {
        room = this.#weighIn(value[i], room, depth);
      }
      return room;
    }
    const object = value as Record<string, unknown>;
    const keys = this.#keysOf(object);
    for (const key of keys) {
      room = room > key.length ? this.#weighIn(object[key], room - key.length, depth) : 0;
      if (room > 0) continue;
      this.#keys.set(object, keys);
      return 0;
    }
    return room;
  }
}

function memberOf({ container, keys }: Unfinished, at: number): unknown {
  return keys === null
    ? (container as unknown[])[at]
    : (container as Record<string, unknown>)[keys[at]!];
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
