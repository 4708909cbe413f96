/**
 * Formats numbers, times, names and JSON for a person at a terminal.
 *
 * @module
 */

/** Colour functions, or the same functions without colours. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

const plain = (text: string) => text;

/** Leaves text unchanged. */
export const noPaint: Paint = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain };

const SIZE_UNITS = ["KiB", "MiB", "GiB", "TiB"];

/** A size in bytes, in a suitable unit. */
export function sizeText(size: number): string {
  if (size < 1024) return `${size} B`;
  let value = size;
  let unit = -1;
  while (value >= 1024 && unit < SIZE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${SIZE_UNITS[unit]}`;
}

/** A count with its noun. */
export function countText(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A number with thousands separators. */
export function numberText(value: number): string {
  return value.toLocaleString("en-US");
}

/** A range of sequences; open if it has no end. */
export function rangeText(first: number, last: number | null): string {
  if (last === null) return `${first} and later`;
  return last <= first ? `${first}` : `${first} to ${last}`;
}

/** A record's time. A clock that was never set gives 1970, a broken one a bare number. */
export function timeText(timestamp: number): string {
  return Math.abs(timestamp) < 8.64e15
    ? new Date(timestamp).toISOString().replace("T", " ")
    : `${timestamp}`;
}

/** Escapes characters that could control the terminal or change the text direction. JSON stays JSON. */
export function safeText(text: string): string {
  return text.replace(
    // deno-lint-ignore no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Like `safeText`, but keeps line feeds. */
export function safeLines(text: string): string {
  return text.split("\n").map(safeText).join("\n");
}

/** Formats rows as a table, with columns as wide as needed. */
export function tableText(rows: string[][]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, cell.length));
  }
  const line = (row: string[]) =>
    row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd();
  return rows.map((row) => `  ${line(row)}\n`).join("");
}
