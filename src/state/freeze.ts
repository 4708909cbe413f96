/**
 * Freezes the states of reducers, so that none of them can be changed in place.
 *
 * @module
 */

/**
 * Freezes a state with everything in it. Parts that are frozen already are passed over, so that the parts which a reducer
 * takes over from one state to the next cost nothing.
 */
export function freezeDeeply<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) freezeDeeply(member);
  return value;
}
