/**
 * Builds a state from snapshot lines, piece by piece. The writing side is snapshot_encode.ts.
 *
 * @module
 */

import { isCount } from "./format.ts";
import { parseJson } from "./batch_scan.ts";
import { setMember } from "./set_member.ts";

/** Puts lines together to a state. Keys such as `__proto__` are data here: they never reach a prototype. */
export class StateBuilder {
  #state: unknown;
  #begun = false;

  /** Adds one line; returns whether it made sense. */
  add(text: string): boolean {
    const line = parseJson(text);
    if (!Array.isArray(line) || line.length < 2 || line.length > 3 || !Array.isArray(line[0])) {
      return false;
    }
    const [path, value, extend] = line;
    if (line.length === 3) return extend === 1 && this.#extend(this.#find(path), value);
    if (path.length === 0) {
      if (this.#begun) return false;
      this.#state = value;
      this.#begun = true;
      return true;
    }
    return this.#put(this.#find(path.slice(0, -1)), path[path.length - 1], value);
  }

  /** The state, when there was at least one line. */
  get state(): unknown {
    return this.#state;
  }

  /** Whether there is a state at all. */
  get complete(): boolean {
    return this.#begun;
  }

  #find(path: unknown[]): unknown {
    let place: unknown = this.#begun ? this.#state : undefined;
    for (const step of path) {
      if (typeof place !== "object" || place === null) return undefined;
      if (!Object.hasOwn(place, step as PropertyKey)) return undefined;
      place = (place as Record<PropertyKey, unknown>)[step as PropertyKey];
    }
    return place;
  }

  #put(place: unknown, step: unknown, value: unknown): boolean {
    if (Array.isArray(place)) {
      // Items come in order, so a position other than the next is not ours; a huge one would take all memory.
      if (!isCount(step) || step !== place.length) return false;
      place.push(value);
      return true;
    }
    if (typeof place !== "object" || place === null || typeof step !== "string") return false;
    setMember(place as Record<string, unknown>, step, value);
    return true;
  }

  #extend(place: unknown, part: unknown): boolean {
    if (typeof place !== "object" || place === null || typeof part !== "object" || part === null) {
      return false;
    }
    if (Array.isArray(place) !== Array.isArray(part)) return false;
    if (Array.isArray(place)) {
      for (const item of part as unknown[]) place.push(item);
      return true;
    }
    // The quickest way to add many, but one that would take `__proto__` for a prototype.
    if (!Object.hasOwn(part, "__proto__")) Object.assign(place, part);
    else for (const [key, value] of Object.entries(part)) this.#put(place, key, value);
    return true;
  }
}
