// Turns what the runtimes recorded into one measure per file: its lines, its branches, what never ran.
//
// Node runs our sources with their types blanked out and every position kept, so what V8 records of the
// running text is true of the source. A branch is each way out of an `if` (also of one without `else`),
// `?:`, `&&`, `||`, `??` and `switch`, and each function.

import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import MCR from "monocart-coverage-reports";
import type { LcovFile } from "./coverage_lcov.ts";
import { root } from "./toolchain.ts";

type Entry = MCR.V8CoverageEntry;
type Data = NonNullable<MCR.CoverageFile["data"]>;

/** One way that a program can take. */
export interface Branch {
  line: number;
  /** What to say about it. */
  says: string;
  taken: boolean;
  /** The lines that belong only to it: if they ran elsewhere, it was taken there. */
  ownLines: number[];
}

/** One source file. */
export interface FileMeasure {
  path: string;
  /** Which lines with code ran. */
  lines: Map<number, boolean>;
  branches: Branch[];
}

/** Measures `paths` (relative to the checkout) by what V8 recorded in `directory`, and writes lcov to `outDir`. */
export async function measureV8(
  directory: string,
  outDir: string,
  paths: string[],
): Promise<Map<string, FileMeasure>> {
  const sources = new Map(
    paths.map((path) => [pathToFileURL(join(root, path)).href, stripped(path)]),
  );
  const report = MCR({
    logging: "error",
    outputDir: outDir,
    reports: ["lcovonly", "v8-json"],
    // It takes addresses for paths and drops their beginning.
    sourcePath: (path) => path.replace(`${root.slice(1)}/`, ""),
  });
  report.cleanCache();
  for (const name of readdirSync(directory)) {
    const { result } = JSON.parse(readFileSync(join(directory, name), "utf8"));
    const entries = (result as Entry[]).filter(({ url }) => sources.has(url));
    for (const entry of entries) entry.source = sources.get(entry.url)!;
    if (entries.length > 0) await report.add(entries);
  }
  const results = await report.generate();
  return new Map(
    (results?.files ?? []).map(({ sourcePath, data }) => [
      sourcePath,
      toMeasure(sourcePath, stripped(sourcePath), data ?? {}),
    ]),
  );
}

/** The measure of a file that only one runtime knows, by its own report. */
export function measureLcov(path: string, { lines, branches }: LcovFile): FileMeasure {
  return {
    path,
    lines: new Map([...lines].map(([line, count]) => [line, count > 0])),
    branches: branches.map(({ line, count }) => (
      { line, says: "a branch is never taken", taken: count > 0, ownLines: [] }
    )),
  };
}

/** The measure of a file that nothing loaded; `undefined` if there is nothing in it but types. */
export function measureUnloaded(path: string): FileMeasure | undefined {
  const code = stripped(path).replace(/\/\*[^]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "").trim();
  // What is left of `export {}` is a module without code.
  if (/^(export\s*\{\s*\};?)?$/.test(code)) return undefined;
  return { path, lines: new Map([[1, false]]), branches: [] };
}

/** Adds what another runtime ran: lines, and the branches whose own lines it ran. */
export function vouch(measure: FileMeasure, other: LcovFile): void {
  const ran = (line: number) => (other.lines.get(line) ?? 0) > 0;
  const idle = (line: number) => other.lines.get(line) === 0;
  for (const branch of measure.branches) {
    branch.taken ||= branch.ownLines.some(ran) && !branch.ownLines.some(idle);
  }
  for (const [line, covered] of measure.lines) measure.lines.set(line, covered || ran(line));
}

function stripped(path: string): string {
  return stripTypeScriptTypes(readFileSync(join(root, path), "utf8"));
}

function toMeasure(path: string, source: string, data: Data): FileMeasure {
  const counts = Object.entries(data.lines ?? {});
  const lines = new Map(counts.map(([line, count]) => [Number(line), count !== 0]));
  const lineOf = (offset: number) => source.slice(0, offset).split("\n").length;
  const branches: Branch[] = [];
  const add = (range: MCR.CoverageRange, says: string) => {
    if (range.ignored) return;
    const [line, last] = [lineOf(range.start), lineOf(range.end)];
    const inside = [...lines.keys()].filter((at) => at >= line && at <= last);
    const ownLines = range.none ? [] : inside.filter((at) => lines.get(at) === false);
    branches.push({ line, says, taken: range.count > 0, ownLines });
  };
  for (const range of data.branches ?? []) {
    const text = excerpt(source.slice(range.start, range.end));
    add(range, range.none ? `the condition always holds: ${text}` : `never taken: ${text}`);
  }
  for (const range of data.functions ?? []) {
    add(range, `never called: ${excerpt(source.slice(range.start, range.end))}`);
  }
  return { path, lines, branches };
}

function excerpt(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 70 ? `${line.slice(0, 70)}…` : line;
}
