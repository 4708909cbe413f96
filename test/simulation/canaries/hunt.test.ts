// Tests what a hunt makes of what the simulation of a broken build says, without a build.

import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { CANARIES } from "../../../simulation/canaries/canaries.ts";
import { type Catch, hunt } from "../../../simulation/canaries/hunt.ts";
import { runCampaign } from "../../../simulation/campaign.ts";
import type { Message } from "../../../simulation/results.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const options = { seed: 1, imagesMax: 1, histories: 1, rotOneIn: 1, call: 0 };

/** What a hunt for `only` makes of a simulation that says this. */
async function huntOver(said: Message[], only = ""): Promise<Catch> {
  await using folder = await temporaryDirectory();
  await mkdir(`${folder.path}/simulation`);
  const lines = said.map((message) => `console.log(${JSON.stringify(JSON.stringify(message))});\n`);
  await writeFile(`${folder.path}/simulation/worker.ts`, lines.join(""));
  return await hunt(folder.path, { ...options, seconds: null, index: 0, processes: 1, only });
}

const totals = { crashStates: 3, damaged: 2, faults: 1, failures: 0 };
const now = "faults: a group";
const rows: Message = { says: "rows", rows: [] };

const failure = (message: string): Message => ({
  says: "failure",
  failure: { kind: "faults", workload: "a group", message, seed: 1 },
});

test("hunt() says that a build survived when all explorations passed", async () => {
  const said: Message[] = [{ says: "totals", totals, now }, rows];
  assertEquals(await huntOver(said), {
    verdict: "survived",
    exploration: now,
    message: "",
    looked: 6,
  });
});

test("hunt() says which exploration caught a build", async () => {
  const { verdict, exploration, message } = await huntOver([failure("2 is lost"), rows]);
  assertEquals([verdict, exploration, message], ["caught", now, "2 is lost"]);
});

test("hunt() calls a build broken that doesn't run, or runs to no end", async () => {
  assertEquals((await huntOver([failure("x is not defined"), rows])).verdict, "broken");
  const unfinished = await huntOver([{ says: "totals", totals, now }]);
  assertEquals([unfinished.verdict, unfinished.message], ["broken", "it ended with 0: "]);
});

test("hunt() never says that a build survived when no exploration has the wanted name", async () => {
  // The worker reports its totals at the end, whether or not it has begun anything.
  const said: Message[] = [{ says: "totals", totals, now: "" }, rows];
  const { verdict, message } = await huntOver(said, "faults: no such group");
  assertEquals(verdict, "broken");
  assertStringIncludes(message, 'no exploration has "faults: no such group" in its name');
});

test("every canary names an exploration that there is", async () => {
  const names: string[] = [];
  const witness = {
    begin: () => {
      throw new Error("only its name is wanted");
    },
    failed: (kind: string, name: string) => void names.push(`${kind}: ${name}`),
  };
  const [deadline, only] = [Infinity, ""];
  await runCampaign({ ...options, index: 0, processes: 1, deadline, only }, witness);
  const lost = CANARIES.filter(({ first }) => !names.some((name) => name.includes(first)));
  assertEquals(lost.map(({ name, first }) => `${name}: ${first}`), []);
});
