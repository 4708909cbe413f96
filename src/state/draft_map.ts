/**
 * The drafts of one call, found by the real objects: one object has one draft, so that `===` holds.
 *
 * @module
 */

/** Up to this many objects are found faster by looking at each than in a map. */
const FEW = 8;

/** An object with its draft, in a list: most calls meet one or two, and an array would make room for many. */
interface DraftEntry {
  real: object;
  draft: object;
  before: DraftEntry | null;
}

/** Objects, each with its draft. What the mutator made stands for itself. */
export class DraftMap {
  #latest: DraftEntry | null = null;
  #count = 0;
  /** All of them, once there are many. */
  #many: Map<object, object> | null = null;

  /** The draft of an object. */
  find(real: object): object | undefined {
    if (this.#many !== null) return this.#many.get(real);
    for (let entry = this.#latest; entry !== null; entry = entry.before) {
      if (entry.real === real) return entry.draft;
    }
    return undefined;
  }

  /** Adds an object. */
  add(real: object, draft: object): void {
    if (this.#many !== null) {
      this.#many.set(real, draft);
      return;
    }
    this.#latest = { real, draft, before: this.#latest };
    if (++this.#count <= FEW) return;
    this.#many = new Map();
    for (let entry: DraftEntry | null = this.#latest; entry !== null; entry = entry.before) {
      this.#many.set(entry.real, entry.draft);
    }
    this.#latest = null;
  }
}
