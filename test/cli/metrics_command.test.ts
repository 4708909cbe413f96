// Tests `metrics`: Prometheus text of any program's directory, sound and damaged.

import { readdir, truncate, writeFile } from "node:fs/promises";
import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { openCounter, openLedger } from "../support/samples.ts";
import { runHere } from "../support/command_in_process.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** The value of a series, by its name and one label. */
function valueOf(text: string, name: string, label = ""): number {
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`))
    .filter((line) => line.includes(label));
  assertEquals(lines.length, 1, `${name} ${label} in:\n${text}`);
  return Number(lines[0]!.split(" ").at(-1));
}

async function metricsOf(path: string): Promise<string> {
  const { code, output, errors } = await runHere(["metrics", path]);
  assertEquals([code, errors], [0, ""]);
  return output;
}

test("metrics prints what a directory holds and has written, in Prometheus's text format", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.path;
  await using manager = await openCounter(path, { compaction: "manual" });
  for (const by of [1, 2, 3]) await manager.apply({ by });
  await manager.createSnapshot();
  await manager.apply({ by: 4 });
  const { cardBytes } = manager.stats().life;
  const text = await metricsOf(path);
  // Each line is a comment or a series: name, labels, number.
  for (const line of text.trimEnd().split("\n")) {
    assertMatch(
      line,
      /^(# (HELP|TYPE) ministate_\w+ .+|ministate_\w+\{(\w+="[^"]*",?)+\} [\d.]+)$/,
    );
  }
  assertEquals(valueOf(text, "ministate_openable"), 1);
  assertEquals(valueOf(text, "ministate_sequence"), 4);
  assertEquals(valueOf(text, "ministate_replay_mutations"), 1);
  assertEquals(valueOf(text, "ministate_files", 'kind="snapshot"'), 1);
  assert(valueOf(text, "ministate_file_bytes", 'kind="segment"') > 0);
  assertEquals(valueOf(text, "ministate_findings", 'severity="corrupt"'), 0);
  assertEquals(valueOf(text, "ministate_compaction_failed"), 0);
  assertStringIncludes(text, "# TYPE ministate_card_bytes_total counter\n");
  await manager.close();
  // A clean close writes down what was counted.
  const closed = await metricsOf(path);
  assertEquals(valueOf(closed, "ministate_mutations_total"), 4);
  assert(valueOf(closed, "ministate_card_bytes_total") >= cardBytes);
});

test("metrics counts damage, and says that the next open will refuse", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { segmentSizeMax: 64 * 1024 });
  for (let i = 0; i < 50; i++) await manager.apply("x".repeat(3000));
  await manager.close();
  const [first] = (await readdir(directory.path)).sort().filter((name) =>
    name.endsWith(".wal.jsonl")
  );
  await truncate(directory.join(first!), 20_000);
  const text = await metricsOf(directory.path);
  assertEquals(valueOf(text, "ministate_openable"), 0);
  assert(valueOf(text, "ministate_findings", 'severity="corrupt"') > 0);
});

test("metrics says when nothing tells whose directory it is, and when a compaction failed", async () => {
  await using directory = await temporaryDirectory();
  const manager = await openLedger(directory.path, { compaction: "manual" });
  await manager.apply(1);
  Object.assign(manager.state.entries, [new Date(0)]);
  await assertRejects(() => manager.createSnapshot());
  await manager.close();
  assertEquals(valueOf(await metricsOf(directory.path), "ministate_compaction_failed"), 1);
  for (const name of await readdir(directory.path)) {
    if (name.endsWith(".wal.jsonl")) await writeFile(directory.join(name), "x".repeat(200));
  }
  assertStringIncludes(await metricsOf(directory.path), 'mutator="",version="",id=""} 1');
});

test("metrics escapes what a path may contain", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join('a "state"\\\nhere');
  await using manager = await openLedger(path);
  await manager.apply(1);
  const text = await metricsOf(path);
  assertStringIncludes(text, 'a \\"state\\"\\\\\\nhere",journal=');
});

test("metrics --json prints the same series for programs", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.apply(1);
  const { code, output } = await runHere(["metrics", directory.path, "--json"]);
  const [info, ...rest] = JSON.parse(output);
  assertEquals([code, info.name, info.samples[0].value], [0, "ministate_info", 1]);
  assertEquals(info.samples[0].labels.journal, "test.wal.jsonl");
  assert(rest.some(({ name }: { name: string }) => name === "ministate_sequence"));
});

test("metrics needs a state", async () => {
  await using directory = await temporaryDirectory();
  assertEquals((await runHere(["metrics", directory.path])).code, 4);
});
