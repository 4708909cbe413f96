// Which steps of a long exploration are made under this runtime.

import { sliceOf } from "../simulation/slice.ts";
import { own, runtimes } from "./runtimes.ts";

/** A third: all of them take minutes, and what they come by depends on no runtime. */
export const SHARE = sliceOf(runtimes.indexOf(own), runtimes.length);
