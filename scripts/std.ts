// Decides once per run where `@std` comes from under Deno: JSR if it answers, otherwise our stand-ins.

import process from "node:process";
import { join } from "node:path";
import { binary, root, run } from "./toolchain.ts";

/** What to pass to Deno so that `@std` resolves; empty when JSR answers. */
export async function stdFlags(): Promise<string[]> {
  const decided = process.env.MINISTATE_STD ?? await decide();
  process.env.MINISTATE_STD = decided;
  return decided === "jsr" ? [] : [`--import-map=${join(root, "test", "std", "import_map.json")}`];
}

async function decide(): Promise<string> {
  const answers = await isReachable() && await isUsable();
  console.log(
    answers
      ? "@std under Deno: the packages on JSR"
      : "@std under Deno: the stand-ins in test/std (JSR does not answer)",
  );
  return answers ? "jsr" : "local";
}

function isReachable(): Promise<boolean> {
  const signal = AbortSignal.timeout(3000);
  // Every failure means the same here: no route, no name, a proxy's refusal, too slow.
  return fetch("https://jsr.io/@std/assert/meta.json", { signal }).then(
    (answer) => answer.ok,
    () => false,
  );
}

/** Fetches them as Deno will: a proxy may let Node through and not Deno. */
async function isUsable(): Promise<boolean> {
  const source = 'import "@std/assert"; import "@std/fs"; import "@std/streams";';
  const outcome = await run(binary("deno"), ["eval", "--quiet", source], { timeoutMs: 60_000 });
  return outcome.ok;
}
