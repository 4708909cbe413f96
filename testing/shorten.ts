/**
 * Shortens a list that shows a failure to one in which every item is needed.
 *
 * @module
 */

/** Checking a shorter list costs as much as checking a whole one, so the number of attempts is limited. */
const ATTEMPTS_MAX = 200;

/**
 * Leaves out parts of a list, first halves and finally single items, for as long as the rest still `fails`.
 *
 * The method is delta debugging (Zeller and Hildebrandt, 2002), without its complements.
 */
export async function shorten<T>(
  items: readonly T[],
  fails: (fewer: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let shortest = items;
  let attempts = 0;
  for (let size = items.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < shortest.length && attempts < ATTEMPTS_MAX;) {
      const fewer = [...shortest.slice(0, at), ...shortest.slice(at + size)];
      attempts++;
      if (await fails(fewer)) shortest = fewer;
      else at += size;
    }
  }
  return shortest;
}
