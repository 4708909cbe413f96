/**
 * Writes JSON Pointers (RFC 6901).
 *
 * @module
 */

/** Writes tokens as a pointer. */
export function formatPointer(tokens: readonly string[]): string {
  return tokens.map((token) => "/" + token.replaceAll("~", "~0").replaceAll("/", "~1")).join("");
}
