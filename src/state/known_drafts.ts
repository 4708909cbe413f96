/**
 * The drafts of one call, found by the real objects: one object has one draft, so that `===` holds.
 *
 * @module
 */

/** As many objects are found faster by looking at each than in a map. */
const FEW = 8;

/** An object with its draft, in a list: most calls meet one or two, and an array would make room for many. */
interface Known {
  real: object;
  draft: object;
  before: Known | null;
}

/** Objects, each with its draft. What the mutator made stands for itself. */
export class KnownDrafts {
  #latest: Known | null = null;
  #count = 0;
  /** All of them, once there are many. */
  #many: Map<object, object> | null = null;

  /** The draft of an object. */
  find(real: object): object | undefined {
    if (this.#many !== null) return this.#many.get(real);
    for (let known = this.#latest; known !== null; known = known.before) {
      if (known.real === real) return known.draft;
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
    for (let known: Known | null = this.#latest; known !== null; known = known.before) {
      this.#many.set(known.real, known.draft);
    }
    this.#latest = null;
  }
}
