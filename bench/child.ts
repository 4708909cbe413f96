/**
 * The other end of children.ts: does the job that the first argument names and prints its figures as JSON.
 *
 * @module
 */

import process from "node:process";
import { serveSlices } from "./commits.ts";
import {
  generateLarge,
  measureOpenLarge,
  measureParsing,
  measureSnapshotBeside,
} from "./large_state.ts";
import { fillLog, generate, measureLog } from "./opening.ts";
import { measureOpen, measureReading, measureState } from "./opening.ts";
import { measureReads } from "./reading.ts";
import { serveRequests } from "./serving.ts";
import { soak } from "./soaking.ts";

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
