/**
 * The program that start_jobs.ts starts: does the job that its first argument names and prints its figures as JSON.
 *
 * @module
 */

import process from "node:process";
import { serveSlices } from "../w1_w2_commits/measure.ts";
import {
  generateLarge,
  measureOpenLarge,
  measureParsing,
  measureSnapshotBeside,
} from "../w4_large_state/measure.ts";
import { fillLog, generate, measureLog } from "../w3_opening/measure.ts";
import { measureOpen, measureReading, measureState } from "../w3_opening/measure.ts";
import { measureReads } from "../w8_reads/measure.ts";
import { measureDrafts } from "../w9_drafts/measure.ts";
import { serveRequests } from "../w7_event_loop/measure.ts";
import { soak } from "../soak/measure.ts";

/** What the driver may ask for, and with which arguments. */
const jobs = {
  slices: serveSlices,
  generate,
  open: measureOpen,
  read: measureReading,
  state: measureState,
  fillLog,
  replayLog: measureLog,
  generateLarge,
  openLarge: measureOpenLarge,
  parseLarge: measureParsing,
  snapshotBeside: measureSnapshotBeside,
  reads: measureReads,
  drafts: measureDrafts,
  serve: serveRequests,
  soak,
};

/** The jobs' names. */
export type Job = keyof typeof jobs;
/** A job's arguments. */
export type Arguments<J extends Job> = Parameters<typeof jobs[J]>;
/** A job's figures. */
export type Figures<J extends Job> = Awaited<ReturnType<typeof jobs[J]>>;

const [name, json] = process.argv.slice(2);
const job = jobs[name as Job] as (...args: unknown[]) => unknown;
const figures = await job(...JSON.parse(json!));
if (figures !== undefined) console.log(JSON.stringify(figures));
