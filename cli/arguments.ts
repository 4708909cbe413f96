/**
 * Checks the arguments and the values of options, by their kind. Completion asks which of these functions one has.
 *
 * @module
 */

import { InvalidArgumentError } from "commander";

/** The path of a directory. */
export function directoryArgument(path: string): string {
  return pathArgument(path);
}

/** The path of a file. */
export function fileArgument(path: string): string {
  return pathArgument(path);
}

/** A value, which may be in a file: cli/value_source.ts reads it. */
export function valueArgument(value: string): string {
  return value;
}

function pathArgument(path: string): string {
  if (path !== "" && !path.includes("\0")) return path;
  throw new InvalidArgumentError("It must be a non-empty path.");
}

const UNITS = ["", "K", "M", "G", "T", "P"];

/** A size in units of 1,000, as card makers give it, or of 1,024 (KiB …); without a unit, in bytes. */
export function sizeOption(text: string): number {
  const [, number, unit, binary] = /^(\d+(?:\.\d+)?) ?([KMGTP]?)(i?)B?$/i.exec(text) ?? [];
  const size = Number(number) * (binary ? 1024 : 1000) ** UNITS.indexOf(unit?.toUpperCase() ?? "");
  if (size >= 1 && size <= Number.MAX_SAFE_INTEGER) return size;
  throw new InvalidArgumentError("It must be a size, such as 30TB or 500GB.");
}

/** A sequence, or a count of mutations. */
export function sequenceOption(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError("It must be a sequence, a whole number from 0.");
}
