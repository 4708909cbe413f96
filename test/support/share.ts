// Which steps of a long exploration are made under this runtime.

import type { Slice } from "../../simulation/slice.ts";
import { own, type Runtime } from "./runtimes.ts";

/**
 * To whom the steps are dealt, over and over: all of them take minutes, and what they come by depends on no runtime.
 * Node gets the fewest, because its test runner watches every promise, which makes them take more than twice as long.
 */
const DEALT: readonly Runtime[] = ["deno", "bun", "deno", "bun", "deno", "bun", "node"];

export const SHARE: Slice = { mine: (step) => DEALT[step % DEALT.length] === own };
