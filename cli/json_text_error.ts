/**
 * The error for text that is not JSON, or that the document could not hold exactly, with its place.
 *
 * @module
 */

/** A place in a text, for a person: both count from 1, the column in characters. */
export interface TextPlace {
  line: number;
  column: number;
}

/** Text that is refused. The message says what and where. */
export class JsonTextError extends Error {
  /** Where it is; `null` when that isn't known. */
  readonly place: TextPlace | null;

  /** Makes the error. */
  constructor(reason: string, place: TextPlace | null) {
    super(place === null ? reason : `line ${place.line}, column ${place.column}: ${reason}`);
    this.place = place;
  }
}
