/**
 * `inspect` and `verify`: what a directory holds, and whether every byte is as it was written.
 *
 * @module
 */

import type { CompactionFailure } from "../src/format/compaction_failure.ts";
import type { Finding, Inspection, NextOpen } from "../src/recovery/inspection.ts";
import { type Context, say, sayJson } from "./context.ts";
import { EXIT } from "./exit.ts";
import { mutatorOf, type MutatorOptions } from "./import_mutator.ts";
import { inspectSteadily } from "./steady.ts";
import {
  countText,
  type Paint,
  rangeText,
  safeText,
  sizeText,
  tableText,
  timeText,
} from "./text.ts";
import { verifyProgram } from "./verify_program.ts";
import { cardText, cardYearsOf, wearText } from "./wear_text.ts";

/** The options of `inspect`. */
export interface InspectOptions {
  /** The card's endurance, in bytes. */
  endurance?: number;
}

/** Prints what a directory holds. */
export async function inspect(
  context: Context,
  directory: string,
  { endurance }: InspectOptions,
): Promise<number> {
  const inspection = await inspectSteadily(context, directory);
  if (context.json) {
    const card = endurance === undefined
      ? {}
      : { cardYears: cardYearsOf(inspection.written, endurance) };
    sayJson(context, { ...inspection, ...card });
  } else {
    context.terminal.stdout.write(inspectionText(inspection, endurance, context.paint));
  }
  return EXIT.ok;
}

/** Prints what is damaged, or what a program would change. The exit code reflects how badly. */
export async function verify(
  context: Context,
  directory: string,
  options: MutatorOptions,
): Promise<number> {
  const mutator = await mutatorOf(context, directory, options);
  if (mutator !== null) return await verifyProgram(context, directory, mutator);
  const inspection = await inspectSteadily(context, directory);
  const { verdict, findings, segments, snapshots, nextOpen } = inspection;
  if (context.json) {
    sayJson(context, { directory, verdict, findings, nextOpen });
  } else {
    const { paint } = context;
    for (const finding of findings) say(context, findingText(finding, paint));
    const size = [...segments, ...snapshots].reduce((sum, file) => sum + file.size, 0);
    const read = `${countText(segments.length, "segment")}, ${
      countText(snapshots.length, "snapshot")
    }, ${sizeText(size)}`;
    say(context, `${verdictText(verdict, paint)}: ${read}, up to sequence ${nextOpen.sequence}`);
    if (verdict === "corrupt") {
      const { outcome } = nextOpen;
      say(
        context,
        outcome === "refuse"
          ? 'The next open will refuse: run "ministate repair" to see what it would keep and lose'
          : 'Nothing is lost: "ministate repair" sets the damaged files aside',
      );
    }
  }
  return { sound: EXIT.ok, torn: EXIT.incomplete, corrupt: EXIT.corrupt }[verdict];
}

function verdictText(verdict: Inspection["verdict"], paint: Paint): string {
  return {
    sound: paint.green("sound"),
    torn: paint.yellow("torn tail, which the next open will cut"),
    corrupt: paint.red("corrupt"),
  }[verdict];
}

/** Formats one finding as a line: what, where, which sequences. */
export function findingText(finding: Finding, paint: Paint): string {
  const { severity, path, offset, sequence, sequenceLast, reason } = finding;
  const colour = { torn: paint.yellow, corrupt: paint.red, notice: paint.dim }[severity];
  const place = offset === null ? "" : ` at offset ${offset}`;
  const which = sequence === null ? "" : `, sequence ${rangeText(sequence, sequenceLast)}`;
  return `${colour(severity)}  ${safeText(path)}${place}${which}: ${safeText(reason)}`;
}

function inspectionText(
  inspection: Inspection,
  endurance: number | undefined,
  paint: Paint,
): string {
  const { directory, journal, id, mutator, version, segments, snapshots } = inspection;
  const { quarantine, temporary, findings, nextOpen, verdict, compactionFailure } = inspection;
  const writer = mutator === null ? "a mutator without a name" : `the mutator "${mutator}"`;
  const heading = (name: string) => paint.bold(name.padEnd(12));
  const lines = [
    `${heading("state")}${safeText(directory)}`,
    `${heading("journal")}${journal}, identity ${id ?? "unknown"}`,
    `${heading("written by")}${safeText(writer)}, version ${version ?? "unknown"}`,
    `${heading("sequence")}${nextOpen.sequence}`,
    `${heading("verdict")}${verdictText(verdict, paint)}`,
    `${heading("next open")}${nextOpenText(nextOpen)}`,
    ...wearText(inspection.written).map((line, i) => `${heading(i === 0 ? "written" : "")}${line}`),
    ...endurance === undefined
      ? []
      : [`${heading("card")}${cardText(inspection.written, endurance)}`],
    ...compactionFailure === null
      ? []
      : [`${heading("compaction")}${compactionText(compactionFailure, paint)}`],
  ];
  const sizeLine = (name: string, files: { name: string; size: number }[]) =>
    files.length === 0 ? "" : `${paint.bold(name)}\n` +
      tableText(files.map((file) => [safeText(file.name), sizeText(file.size)]));
  return lines.map((line) => line + "\n").join("") +
    segmentsText(segments, paint) +
    snapshotsText(snapshots, paint) +
    sizeLine("quarantine", quarantine) +
    sizeLine("never finished", temporary) +
    (findings.length === 0 ? "" : `${paint.bold("findings")}\n`) +
    findings.map((finding) => `  ${findingText(finding, paint)}\n`).join("");
}

function compactionText(
  { sequence, timestamp, reason }: CompactionFailure,
  paint: Paint,
): string {
  const when = `at sequence ${sequence}, ${timeText(timestamp)}`;
  return `${paint.red("failed")} ${when}: ${safeText(reason)}`;
}

function segmentsText(segments: Inspection["segments"], paint: Paint): string {
  const rows = segments.map((segment) => {
    const { name, size, soundSize, sequenceFirst, sequenceLast, sealed, refused } = segment;
    const { damagedAt } = segment;
    const holds = sequenceLast < sequenceFirst
      ? "empty"
      : sequenceLast === sequenceFirst
      ? `${sequenceFirst}`
      : `${sequenceFirst} to ${sequenceLast}`;
    const state = damagedAt !== null
      ? `not sound from offset ${damagedAt}`
      : sealed
      ? "sealed"
      : "";
    const outcomes = refused === 0 ? "" : `${refused} refused`;
    const space = size > soundSize ? `${sizeText(soundSize)} of ${sizeText(size)}` : sizeText(size);
    return [name, holds, space, [state, outcomes].filter((text) => text !== "").join(", ")];
  });
  return `${paint.bold(countText(segments.length, "segment"))}\n${tableText(rows)}`;
}

function snapshotsText(snapshots: Inspection["snapshots"], paint: Paint): string {
  const rows = snapshots.map(({ name, size, sequence, flaw }) => [
    name,
    `${sequence}`,
    sizeText(size),
    flaw === null ? "sound" : "damaged",
  ]);
  return `${paint.bold(countText(snapshots.length, "snapshot"))}\n${tableText(rows)}`;
}

function nextOpenText(nextOpen: NextOpen): string {
  const { outcome, snapshot, replays, sequence, torn, lost } = nextOpen;
  const start = snapshot === null
    ? "the initial state"
    : `the snapshot of sequence ${snapshot.sequence}`;
  if (outcome === "refuse" && lost !== null) {
    return `refuses; a repair would keep the state up to sequence ${sequence} and lose ${
      rangeText(lost.sequenceFirst, lost.sequenceLast)
    }`;
  }
  const opens = `starts from ${start}, replays ${countText(replays, "mutation")}`;
  return torn === null
    ? opens
    : `${opens}, cuts ${
      sizeText(torn.size)
    } of torn tail at offset ${torn.offset} (never acknowledged) and keeps them aside`;
}
