// Reads lcov reports, the form in which Deno and Bun say which lines and branches ran.

import { readFileSync } from "node:fs";

/** What a report says of one file. */
export interface LcovFile {
  /** How often each line ran. */
  lines: Map<number, number>;
  /** The branches, as a line and how often it was left that way. Bun reports none. */
  branches: { line: number; count: number }[];
}

/** Reads a report; paths become relative to `top`. */
export function readLcov(path: string, top: string): Map<string, LcovFile> {
  const files = new Map<string, LcovFile>();
  let file: LcovFile = { lines: new Map(), branches: [] };
  for (const row of readFileSync(path, "utf8").split("\n")) {
    const [kind = "", rest = ""] = split(row, ":");
    const numbers = rest.split(",").map((text) => text === "-" ? 0 : Number(text));
    if (kind === "SF") {
      file = { lines: new Map(), branches: [] };
      files.set(rest.startsWith(`${top}/`) ? rest.slice(top.length + 1) : rest, file);
    } else if (kind === "DA") {
      const [line = 0, count = 0] = numbers;
      file.lines.set(line, (file.lines.get(line) ?? 0) + count);
    } else if (kind === "BRDA") {
      file.branches.push({ line: numbers[0] ?? 0, count: numbers[3] ?? 0 });
    }
  }
  return files;
}

function split(text: string, by: string): [string, string] {
  const at = text.indexOf(by);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
