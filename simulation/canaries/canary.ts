/**
 * What a canary is: one deliberate mistake in the real code.
 *
 * @module
 */

/** A change of one file. The text must be there exactly once. */
export interface Patch {
  /** The path from the top folder. */
  file: string;
  find: string;
  replace: string;
}

/** A mistake that the simulation must notice. */
export interface Canary {
  /** What the broken build does. */
  name: string;
  /** The promise it breaks. */
  rule: string;
  /** Text in the names of the explorations that notice it soonest, at least one; the others are tried after them. */
  first: string;
  /** More than one where a second safeguard would make up for the first. */
  patches: Patch[];
}
