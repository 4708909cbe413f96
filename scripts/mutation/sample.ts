/**
 * Chooses the mutants of a run: a fixed share of all, or those that an earlier run could not kill.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";

/** What Stryker says about a mutant. */
export interface Mutant {
  id: string;
  fileName: string;
  location: { start: Position; end: Position };
  mutatorName: string;
  replacement?: string;
}

interface Position {
  line: number;
  column: number;
}

const {
  MINISTATE_MUTATION_SHARE: share = "1",
  MINISTATE_MUTATION_ONLY: only = "",
} = process.env;
const listed: Set<string> | null = only === ""
  ? null
  : new Set(JSON.parse(readFileSync(only, "utf8")) as string[]);

/** Whether this run tries the mutant. */
export function isChosen(mutant: Mutant): boolean {
  const name = nameOf(mutant);
  if (listed !== null) return listed.has(name);
  return hash(name) % Number(share) === 0;
}

/** A name that stays the same as long as the file does, whatever else is mutated. */
export function nameOf(
  { fileName, location, mutatorName, replacement }: Mutant,
): string {
  const { start, end } = location;
  const file = fileName.slice(fileName.lastIndexOf("/src/") + 1);
  const place = `${start.line}:${start.column}-${end.line}:${end.column}`;
  return `${file}:${place} ${mutatorName} ${(replacement ?? "").replace(/\s+/g, " ")}`;
}

/** FNV-1a, with its bits mixed once more: neighbours must not be chosen together. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) {
    value = Math.imul(value ^ character.charCodeAt(0), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
}
