// Compares what a board said on its serial console, over several lives, with what was recovered at the end.
//
// A line on the console came after the sync it speaks of, so what it calls acknowledged must be there. The reverse does not
// hold: the last lines before the power cut may never have left the board, though their readings reached the card.

import { isDeepStrictEqual } from "node:util";
import { audit } from "../../examples/demo/audit.ts";
import type { Testimony } from "../../examples/demo/keeper.ts";
import type { Findings } from "../../examples/demo/reader.ts";

/** More lines than the buffers of a serial port hold. */
const UNHEARD_MAX = 100;

/** What the keeper said, up to the first line of it that can't be read; there should be none. */
export function readTestimony(
  console: string,
): { testimony: Testimony; unreadable: string | null } {
  const testimony: Testimony = { sent: [], acknowledged: [] };
  // What follows the last line feed is half a line, cut short by the power cut.
  for (const line of console.split("\n").slice(0, -1)) {
    if (!line.startsWith("{")) continue;
    const said = parse(line);
    if (said === null) return { testimony, unreadable: line };
    if (said.sent !== undefined) testimony.sent.push(said.sent);
    else testimony.acknowledged.push({ sequence: said.acknowledged, reading: said.reading });
  }
  return { testimony, unreadable: null };
}

function parse(line: string) {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** How many readings there were when each life began, from the keeper's first acknowledgement. */
export function startsOf(lives: Testimony[]): number[] {
  return lives.map(({ acknowledged: [first] }) => first === undefined ? NaN : first.sequence - 1);
}

/** How many recovered readings were never on the console. */
export function unheardIn(lives: Testimony[], found: Findings): number {
  return lives.reduce(
    (sum, { sent }, life) => sum + Math.max(0, recordsOf(lives, found, life).length - sent.length),
    0,
  );
}

/** Lists everything that is wrong. */
export function auditLives(lives: Testimony[], found: Findings): string[] {
  const silent = lives.findIndex(({ acknowledged }) => acknowledged.length === 0);
  if (silent >= 0) return [`life ${silent + 1} acknowledged nothing`];
  const problems = lives.slice(0, -1).flatMap((_, life) => auditEarlier(lives, found, life));
  const last = lives.at(-1)!;
  const records = recordsOf(lives, found, lives.length - 1);
  const unheard = records.slice(last.sent.length).map(({ mutation }) => mutation);
  if (unheard.length > UNHEARD_MAX) problems.push(`${unheard.length} recovered, and never sent`);
  const before = found.records.slice(0, startsOf(lives).at(-1)).map(({ mutation }) => mutation);
  return [
    ...problems,
    ...audit(before, { ...last, sent: [...last.sent, ...unheard] }, found),
  ];
}

/** The demo's audit knows one life. Of those before it, this is what can be held against the end. */
function auditEarlier(lives: Testimony[], found: Findings, life: number): string[] {
  const { sent, acknowledged } = lives[life]!;
  const records = recordsOf(lives, found, life);
  const problems: string[] = [];
  const at = `in life ${life + 1}`;
  const end = startsOf(lives)[life]! + records.length;
  const highest = acknowledged.at(-1)!.sequence;
  if (highest > end) problems.push(`${highest} acknowledged ${at}, only ${end} recovered after it`);
  const unheardCount = records.length - sent.length;
  if (unheardCount > UNHEARD_MAX) problems.push(`${unheardCount} recovered, and never sent ${at}`);
  records.slice(0, sent.length).forEach(({ sequence, mutation }, i) => {
    if (!isDeepStrictEqual(mutation, sent[i])) problems.push(`${sequence} was not sent so ${at}`);
  });
  for (const { sequence, reading } of acknowledged) {
    if (isDeepStrictEqual(reading, found.records[sequence - 1]?.mutation)) continue;
    problems.push(`the reading ${sequence}, acknowledged ${at}, is missing or changed`);
  }
  return problems;
}

/** The recovered readings that one life added. */
function recordsOf(lives: Testimony[], found: Findings, life: number): Findings["records"] {
  const starts = startsOf(lives);
  return found.records.slice(starts[life], starts[life + 1] ?? found.records.length);
}
