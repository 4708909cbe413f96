// Tests that keys such as `__proto__` are data everywhere: they come back from the journal, snapshots and copies,
// and never reach a prototype.

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { journalName, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const texts = [
  '{"__proto__":{"polluted":true}}',
  '{"a":{"__proto__":{"__proto__":{"polluted":true}}}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"__proto__":null,"x":1}',
  '{"__proto__":[1,2],"hasOwnProperty":1,"toString":2,"valueOf":3}',
  '[{"__proto__":1},{"__defineGetter__":2}]',
  // Large enough for a snapshot to spread it over several lines.
  `{"__proto__":{"polluted":${JSON.stringify("x".repeat(40_000))},"and":${
    JSON.stringify("y".repeat(40_000))
  }},"constructor":${JSON.stringify("z".repeat(40_000))}}`,
  // And one in which such a key shares its line with others.
  `{"a":1,"__proto__":{"polluted":true},"b":${JSON.stringify("x".repeat(40_000))},"c":${
    JSON.stringify("y".repeat(40_000))
  }}`,
];

const text = JSON.stringify({ entries: texts.map((text) => JSON.parse(text)) });

function assertClean(): void {
  // deno-lint-ignore no-explicit-any -- what must not be there has no type
  const probes: any[] = [{}, [], Object.create(null), () => {}];
  for (const probe of probes) assertEquals(probe.polluted, undefined);
}

test("apply() keeps keys like __proto__ as data when live, replayed, restored and copied", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openLedger(directory.path, { compaction: "manual" });
    for (const text of texts) await manager.apply(JSON.parse(text));
    assertEquals(JSON.stringify(manager.state), text);
    assertEquals(JSON.stringify(manager.snapshot()), text);
  }
  {
    await using manager = await openLedger(directory.path);
    assertEquals(manager.recovery.replayed, texts.length);
    assertEquals(JSON.stringify(manager.state), text);
    assertEquals(JSON.stringify(await manager.stateAt(texts.length)), text);
    await manager.createSnapshot();
    const seen = [];
    for await (const { mutation } of manager.changes({ from: 1 })) {
      seen.push(mutation);
      if (seen.length === texts.length) break;
    }
    assertEquals(JSON.stringify({ entries: seen }), text);
  }
  await using manager = await openLedger(directory.path);
  assertEquals(manager.recovery.replayed, 0);
  assertEquals(JSON.stringify(manager.state), text);
  const copy = manager.snapshot();
  assertEquals(JSON.stringify(copy), text);
  const first = copy.entries[0] as Record<string, unknown>;
  assert(Object.hasOwn(first, "__proto__"));
  assertEquals(Object.getPrototypeOf(first), Object.prototype);
  assertClean();
});

test("create() and restore() keep keys like __proto__ as data", async () => {
  await using directory = await temporaryDirectory();
  await using store = await SnapshotStore.open(directory.path, journalName);
  await store.create(1, JSON.parse(text));
  assertEquals(JSON.stringify((await store.restore())?.state), text);
  assertClean();
});
