/**
 * One contender in a process of its own: runs what the first argument names and prints its figures as JSON.
 *
 * @module
 */

import process from "node:process";
import { serveSlices } from "./commits.ts";
import { measureDelay } from "./loop_delay.ts";
import { generate, measureOpen, measureState } from "./recovery.ts";

/** What the driver may ask for, and with which arguments. */
const contenders = {
  commits: serveSlices,
  generate,
  open: measureOpen,
  state: measureState,
  delay: measureDelay,
};

/** The contenders' names. */
export type Contender = keyof typeof contenders;
/** A contender's arguments. */
export type Arguments<C extends Contender> = Parameters<typeof contenders[C]>;
/** A contender's figures. */
export type Figures<C extends Contender> = Awaited<ReturnType<typeof contenders[C]>>;

const [name, json] = process.argv.slice(2);
const contender = contenders[name as Contender] as (...args: unknown[]) => unknown;
console.log(JSON.stringify(await contender(...JSON.parse(json!))));
