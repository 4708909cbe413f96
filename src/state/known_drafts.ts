/**
 * The drafts of one call, found by the real objects: one object has one draft, so that `===` holds.
 *
 * @module
 */

/** As many objects are found faster by looking at each than in a map. */
const FEW = 8;

/** Objects, each with its draft. What the mutator made stands for itself. */
export class KnownDrafts {
  /** Each object, followed by its draft; later, when there are many, the map. */
  #few: object[] | null = [];
  #many: Map<object, object> | null = null;

  /** The draft of an object. */
  find(real: object): object | undefined {
    if (this.#many !== null) return this.#many.get(real);
    const few = this.#few!;
    for (let i = 0; i < few.length; i += 2) {
      if (few[i] === real) return few[i + 1];
    }
    return undefined;
  }

  /** Adds an object. */
  add(real: object, draft: object): void {
    if (this.#many !== null) {
      this.#many.set(real, draft);
    } else if (this.#few!.push(real, draft) > 2 * FEW) {
      const few = this.#few!;
      this.#many = new Map();
      for (let i = 0; i < few.length; i += 2) this.#many.set(few[i]!, few[i + 1]!);
      this.#few = null;
    }
  }

  /** What the mutator made. */
  made(): object[] {
    const few = this.#few ?? [...this.#many!].flat();
    return few.filter((real, i) => i % 2 === 0 && real === few[i + 1]);
  }
}
