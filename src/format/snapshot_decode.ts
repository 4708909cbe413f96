/**
 * Builds a state from snapshot lines, one by one. The writing side is snapshot_encode.ts.
 *
 * @module
 */

import { isCount } from "./format.ts";
import { parseJson } from "./json_parse.ts";
import { setMember } from "./set_member.ts";

/** Assembles a state from lines. Keys such as `__proto__` are data here: they never reach a prototype. */
export class StateBuilder {
  #state: unknown;
  #begun = false;

  /** Adds one line; returns whether it was valid. */
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

  /** The state, if there was at least one line. */
  get state(): unknown {
    return this.#state;
  }

  /** Whether there is a state. */
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
      // Items come in order, so any position but the next is not ours. A huge one would use up all memory.
      if (!isCount(step) || step !== place.length) return false;
      place.push(value);
      return true;
    }
    if (typeof place !== "object" || place === null || typeof step !== "string") return false;
    setMember(place as Record<string, unknown>, step, value);
    return true;
  }

  #extend(place: unknown, part: unknown): boolean {
    if (typeof place !== "object" || place === null || !Array.isArray(part)) return false;
    if (Array.isArray(place)) {
      for (const item of part) place.push(item);
      return true;
    }
    // As an object, the part would take a quarter longer to read: engines look for one that has the same members.
    if (part.length % 2 !== 0) return false;
    for (let i = 0; i < part.length; i += 2) {
      const key: unknown = part[i];
      if (typeof key !== "string") return false;
      setMember(place as Record<string, unknown>, key, part[i + 1]);
    }
    return true;
  }
}
