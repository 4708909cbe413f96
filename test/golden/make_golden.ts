// Records the golden directories of the current format. Run it once for a new format, never to change an old one:
//
//   node test/golden/make_golden.ts format-1
//
// The identity is fixed by standing in for the random source, the time by the option `clock`.

import { appendFile, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Buffer } from "node:buffer";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { StateManager } from "@ministate/ministate";
import { journalName, ledger, type Ledger } from "../support/samples.ts";

const folder = join(dirname(fileURLToPath(import.meta.url)), process.argv[2]!);
let time = 1_700_000_000_000;
const options = {
  clock: () => time += 1000,
  segmentSizeMax: 65_536,
  compaction: "manual" as const,
};
crypto.getRandomValues = (array) => {
  (array as unknown as Uint8Array).set([1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
  return array;
};

const texts = ["", 'quote " \\ \n \0', "ä 漢 😀", "\ud800", "deadbeef", '{"seal":3}'];
const numbers = [0, -1.5, 1e21, 5e-324, 2 ** 53];
const awkward = [null, true, [], {}, [[1], { a: [] }], JSON.parse('{"__proto__":{"x":1},"9":1,"10":2}')];

type Manager = StateManager<Ledger, unknown, number>;

async function record(name: string, mutator: object, fill: (manager: Manager) => Promise<void>) {
  const directory = join(folder, name);
  await rm(directory, { recursive: true, force: true });
  const open = (more = {}) =>
    StateManager.open(directory, journalName, { ...ledger, ...mutator }, { ...options, ...more }) as Promise<Manager>;
  let path;
  {
    await using manager = await open();
    await fill(manager);
    path = manager.journalPath;
  }
  if (name === "torn") await tear(path);
  await rm(join(directory, "ministate.lock"));
  await using reader = await open({ readOnly: true });
  const recovery = JSON.stringify(reader.recovery).replaceAll(`${directory}/`, "");
  const expected = {
    sequence: reader.sequence,
    state: reader.state,
    // Its wording may change.
    recovery: JSON.parse(recovery, (key, value) => key === "reason" ? undefined : value),
  };
  await writeFile(join(folder, `${name}.json`), JSON.stringify(expected, null, 1) + "\n");
}

/** Leaves the end as a power cut does: no seal, and the first half of a group. */
async function tear(path: string): Promise<void> {
  const text = await readFile(path, "utf8");
  await truncate(path, Buffer.byteLength(text.slice(0, text.indexOf('{"seal"'))));
  await appendFile(path, '[19,"of a group"]\n[20,"that was ne' + "\n".repeat(100));
}

async function applyAll(manager: Manager): Promise<void> {
  for (const text of texts) await manager.apply(text);
  await manager.applyAll(numbers);
  for (const value of awkward) await manager.apply(value);
  await manager.apply({ last: "one" });
}

await record("closed", {}, applyAll);
await record("torn", {}, applyAll);
await record("compacted", { name: "ledger", version: 7 }, async (manager) => {
  await applyAll(manager);
  await manager.compact();
  await manager.apply("x".repeat(70_000));
  await manager.apply(["segment", 2]);
  await manager.compact();
  await manager.applyAll(["behind", "the snapshot"]);
});
await record("empty", {}, async () => {});
await record("begun", { initial: () => ({ entries: ["first"] }) }, applyAll);
