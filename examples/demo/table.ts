/**
 * Prints aligned tables and a little colour: on a terminal only.
 *
 * @module
 */

import process from "node:process";
import { styleText } from "node:util";

/** Colours text where the output is a terminal that wants colours. */
export function paint(style: "green" | "red" | "yellow" | "bold" | "dim", text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** A column: its heading, how wide its cells get, and on which side they stand. */
export interface Column {
  heading: string;
  width: number;
  right?: boolean;
}

/** A table that is printed row by row, as its rows come. */
export class Table {
  readonly #columns: Column[];

  /** Prints the headings. */
  constructor(columns: Column[]) {
    this.#columns = columns;
    console.log(paint("bold", this.#line(columns.map(({ heading }) => heading))));
    console.log(paint("dim", columns.map(({ width }) => "─".repeat(width)).join("  ")));
  }

  /** Prints a row; what is wider than its column is kept whole. */
  row(cells: (string | number)[], style?: "red" | "yellow"): void {
    const line = this.#line(cells.map(String));
    console.log(style === undefined ? line : paint(style, line));
  }

  #line(cells: string[]): string {
    return cells
      .map((cell, i) => {
        const { width, right } = this.#columns[i]!;
        return right ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  }
}
