/**
 * Does with ministate what commit_once.ts does, as a separate program that can be compiled into one file.
 *
 * @module
 */

import process from "node:process";
import { readMemory } from "../support/memory.ts";
import { contender } from "../contenders/ministate.ts";

const [directory, peak] = process.argv.slice(2);
const store = await contender.open(directory!);
const unit = "millicelsius";
await store.commit({ key: "sensor-00001", value: 1, unit, note: "measured by the board itself" });
await store.close();
if (peak !== undefined) console.log(JSON.stringify(await readMemory()));
