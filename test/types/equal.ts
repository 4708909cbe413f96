// What the tests of types compare with. They are checked by the compiler and never run.

/** Whether two types are the same. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2)
  ? true
  : false;

/** Compiles only for a type that is `true`. */
export function holds<_ extends true>(): void {}
