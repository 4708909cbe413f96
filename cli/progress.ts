/**
 * Shows a progress bar with the rate, only on a terminal.
 *
 * @module
 */

import type { Context } from "./context.ts";
import { numberText, sizeText } from "./text.ts";

/** How far a run has progressed. */
export interface Progress {
  /** How many bytes were processed. */
  size: number;
  /** How many lines are durable; missing where bytes are counted. */
  count?: number;
}

const REFRESH_MS = 100;

/** Erases the terminal's current line. */
const ERASE_LINE = "\r\x1b[K";

/**
 * Shows progress on standard error until the returned function is called.
 *
 * @param name what runs, in one word
 * @param sizeTotal how many bytes there are to process; `null` if unknown
 */
export async function showProgress(
  context: Context,
  name: string,
  sizeTotal: number | null,
  progress: () => Progress,
): Promise<() => void> {
  const { stderr } = context.terminal;
  if (context.json || !stderr.isTerminal) return () => {};
  // Loaded only here, so that no other start pays for it.
  const { SingleBar } = (await import("cli-progress")).default;
  const bar = new SingleBar({
    format: `${name}  ${sizeTotal === null ? "" : "{bar} {percentage}%  "}{done}  {rate}/s`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    // Otherwise it would catch the interrupt that closes the journal cleanly.
    gracefulExit: false,
    stream: stderr.stream as NodeJS.WritableStream,
  });
  const started = performance.now();
  const payload = () => {
    const { size, count } = progress();
    const seconds = (performance.now() - started) / 1000;
    const amount = count ?? size;
    const rate = seconds < REFRESH_MS / 1000 ? 0 : Math.round(amount / seconds);
    const text = (value: number) =>
      count === undefined ? sizeText(value) : `${numberText(value)} lines`;
    return [size, { done: text(amount), rate: text(rate) }] as const;
  };
  bar.start(sizeTotal ?? 1, 0, payload()[1]);
  const timer = setInterval(() => bar.update(...payload()), REFRESH_MS);
  return () => {
    clearInterval(timer);
    bar.stop();
    stderr.write(ERASE_LINE);
  };
}

/** The text to print before a line on standard error, so that the bar doesn't mix with it. */
export function lineStart(context: Context): string {
  return context.terminal.stderr.isTerminal ? ERASE_LINE : "";
}
