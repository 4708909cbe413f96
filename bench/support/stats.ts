/**
 * The few statistics that the benchmark reports.
 *
 * @module
 */

/** The value below which the share `q` of all values lies; 1 gives the largest. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.floor(q * sorted.length));
  return sorted[at] ?? NaN;
}

/** A figure from several rounds. */
export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** Median and range of one figure over all rounds; of none, all are `NaN`. */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) return { median: NaN, least: NaN, most: NaN };
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, least: sorted[0]!, most: sorted[sorted.length - 1]! };
}

/** `0.84 (0.80 to 0.86)`, with the given number of digits after the point. */
export function show(figure: Spread, digits: number, unit = ""): string {
  const text = (value: number) => value.toFixed(digits);
  return `${text(figure.median)}${unit} (${text(figure.least)} to ${text(figure.most)})`;
}
