/**
 * Tables and lists in Markdown, so that they can be pasted into bench/results/ as they are.
 *
 * @module
 */

/** The rows below their headings, every column as wide as its widest cell. */
export function table(headings: string[], rows: string[][]): string {
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => row[i]!.length))
  );
  const line = (cells: string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [headings, widths.map((width) => "-".repeat(width)), ...rows].map(line).join("\n") + "\n";
}

/** Whether a target was reached. */
export function verdict(met: boolean): string {
  return met ? "met" : "MISSED";
}

/** Lines below a heading, or "none". */
export function list(heading: string, lines: string[]): string {
  const items = lines.length > 0 ? lines : ["none"];
  return `${heading}\n\n${items.map((line) => `- ${line}\n`).join("")}`;
}
