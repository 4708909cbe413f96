// Tests `inspect`, `verify`, `repair` and `backup` on damage of every kind, and beside a live writer.

import { appendFile, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { StateManager } from "@ministate/ministate";
import { type Ledger, ledger, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { detectFs } from "../../runtime/detect.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { badDisk } from "../support/bad_disk.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";
import { errorOf, jsonOf, ministate } from "../support/command.ts";
import { runHere } from "../support/command_in_process.ts";

const namedLedger = { ...ledger, name: "ledger", version: 3 };
const journalName = "test.wal.jsonl";

/** A state of six mutations: two segments, snapshots of sequence 2 and 4, and a seal. */
async function makeState(path: string): Promise<void> {
  const options = { compaction: "manual" as const };
  const manager = await StateManager.open<Ledger, unknown, number>(
    path,
    journalName,
    namedLedger,
    options,
  );
  for (let i = 1; i <= 6; i++) {
    await manager.apply({ number: i });
    if (i === 2 || i === 4) await manager.createSnapshot();
  }
  await manager.close();
}

async function files(path: string, suffix: string): Promise<string[]> {
  const names = (await readdir(path)).filter((name) => name.endsWith(suffix)).sort();
  return names.map((name) => join(path, name));
}

const segmentsOf = (path: string) => files(path, ".wal.jsonl");
const snapshotsOf = (path: string) => files(path, ".snapshot.jsonl");

async function change(path: string, from: string, to: string): Promise<void> {
  const text = await readFile(path, "utf8");
  assertStringIncludes(text, from);
  await writeFile(path, text.replace(from, to));
}

interface Damage {
  name: string;
  make(path: string): Promise<void>;
  code: number;
  outcome: "open" | "cut" | "refuse";
  /** What `verify` finds first. */
  severity?: "torn" | "corrupt";
  sequence?: number;
  /** What a repair keeps. */
  keeps: number;
  lost?: { sequenceFirst: number; sequenceLast: number | null };
}

const DAMAGES: Damage[] = [
  { name: "nothing", make: async () => {}, code: 0, outcome: "open", keeps: 6 },
  {
    name: "a torn tail",
    make: async (path) => await appendFile((await segmentsOf(path)).at(-1)!, "[7,{to"),
    code: 1,
    outcome: "cut",
    severity: "torn",
    sequence: 7,
    keeps: 6,
  },
  {
    name: "a changed record before the last one",
    make: async (path) =>
      await change((await segmentsOf(path)).at(-1)!, '"number":5', '"number":9'),
    code: 2,
    outcome: "refuse",
    severity: "corrupt",
    sequence: 5,
    keeps: 4,
    lost: { sequenceFirst: 5, sequenceLast: 6 },
  },
  {
    name: "a damaged header",
    make: async (path) => await change((await segmentsOf(path)).at(-1)!, '"format"', '"farmat"'),
    code: 2,
    outcome: "refuse",
    severity: "corrupt",
    sequence: 5,
    keeps: 4,
    lost: { sequenceFirst: 5, sequenceLast: null },
  },
  {
    name: "a rotten newest snapshot",
    make: async (path) =>
      await change((await snapshotsOf(path)).at(-1)!, '"number":2', '"number":9'),
    code: 2,
    outcome: "open",
    severity: "corrupt",
    sequence: 4,
    keeps: 6,
  },
  {
    name: "a rotten older snapshot",
    make: async (path) => await change((await snapshotsOf(path))[0]!, '"number":2', '"number":9'),
    code: 2,
    outcome: "open",
    severity: "corrupt",
    sequence: 2,
    keeps: 6,
  },
  {
    name: "an older segment that newer snapshots make unneeded",
    make: async (path) => await change((await segmentsOf(path))[0]!, '"number":1', '"number":9'),
    code: 2,
    outcome: "open",
    severity: "corrupt",
    sequence: 1,
    keeps: 6,
  },
  {
    name: "a last segment cut below its seal",
    make: async (path) => {
      const last = (await segmentsOf(path)).at(-1)!;
      const text = await readFile(last, "utf8");
      await truncate(last, text.indexOf("[6,") + 5);
    },
    code: 1,
    outcome: "cut",
    severity: "torn",
    sequence: 6,
    keeps: 5,
  },
];

for (const damage of DAMAGES) {
  test(`verify, inspect and repair do what they promise with ${damage.name}`, async () => {
    await using directory = await temporaryDirectory();
    const state = directory.join("state");
    await makeState(state);
    await damage.make(state);
    const before = await readdir(state);
    const verified = await ministate("verify", state, "--json");
    const { findings, nextOpen } = JSON.parse(verified.output);
    assertEquals(verified.code, damage.code);
    assertEquals(nextOpen.outcome, damage.outcome);
    assertEquals([findings[0]?.severity, findings[0]?.sequence], [
      damage.severity,
      damage.sequence,
    ]);
    assertEquals(nextOpen.sequence, damage.keeps);
    assertEquals(nextOpen.lost, damage.lost ?? null);
    const text = await ministate("inspect", state);
    assertEquals(text.code, 0);
    assertStringIncludes(text.output, 'the mutator "ledger", version 3');
    if (damage.code !== 0) {
      const asked = await ministate("repair", state);
      assertEquals(asked.code, 64, "no terminal and no --yes");
      assertMatch(asked.output, /^keeps {2}the state up to sequence \d+\nloses {2}/m);
    }
    assertEquals(await readdir(state), before, "nothing was changed so far");
    const repaired = await jsonOf("repair", state, "--yes");
    assertEquals(repaired.sequence, damage.keeps);
    assertEquals(repaired.repaired, damage.code !== 0);
    if (damage.code !== 0) {
      assertEquals(repaired.lost, damage.lost ?? null);
      assert(repaired.setAside.length > 0);
      for (const path of repaired.setAside) assert((await readFile(path)).length > 0);
    }
    assertEquals((await ministate("verify", state)).code, 0);
    await using manager = await StateManager.open<Ledger, unknown, number>(
      state,
      journalName,
      namedLedger,
    );
    const kept = Array.from({ length: damage.keeps }, (_, i) => ({ number: i + 1 }));
    assertEquals(manager.snapshot().entries, kept);
    assertEquals((await manager.apply("next")).sequence, damage.keeps + 1);
  });
}

test("repair names the file that only fsck can move, and has set aside the others", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  const manager = await openLedger(state, { compaction: "manual" });
  for (const mutation of [1, 2, 3]) {
    await manager.apply(mutation);
    await manager.createSnapshot();
  }
  await manager.close();
  const [first, second] = await snapshotsOf(state);
  await writeFile(first!, "rotten");
  const { fs } = badDisk(await detectFs(), { part: second!, code: "EBADMSG" });
  const ended = await runHere(["repair", state, "--yes", "--json"], { fs });
  // 2: what is damaged is still there.
  assertEquals([ended.code, JSON.parse(ended.output).stays], [2, [second]]);
  assertEquals(await readFile(join(state, "quarantine", basename(first!)), "utf8"), "rotten");
  assertEquals((await snapshotsOf(state)).includes(first!), false);
});

test("repair names the file that can't be set aside, and has set aside the others", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  const manager = await openLedger(state, { compaction: "manual" });
  for (const mutation of [1, 2, 3]) {
    await manager.apply(mutation);
    await manager.createSnapshot();
  }
  await manager.close();
  const [first, second] = await snapshotsOf(state);
  for (const path of [first!, second!]) await writeFile(path, "rotten");
  const real = await detectFs();
  const refused = (path: string) => path === second && Promise.reject(systemError("EACCES"));
  const fs = {
    ...real,
    rename: (from: string, to: string) => refused(from) || real.rename(from, to),
    remove: (path: string) => refused(path) || real.remove(path),
  };
  const ended = await runHere(["repair", state, "--yes", "--json"], { fs });
  const error = errorOf(ended);
  assertEquals([ended.code, error.code, error.path], [5, "IO_FAILED", second]);
  assertMatch(error.message, /^Cannot set aside .*EACCES/);
  assertEquals(await readFile(join(state, "quarantine", basename(first!)), "utf8"), "rotten");
  assertEquals((await snapshotsOf(state)).includes(first!), false);
});

test("backup locks only the copy's directory when the lock file there is rotten", async () => {
  const disk = freshDisk();
  await using manager = await openLedger("/data/state", { fs: disk });
  await manager.apply(1);
  await disk.makeDirectory("/data/copy");
  await (await disk.lock("/data/copy/ministate.lock"))!.release();
  const { fs } = badDisk(disk, { part: "copy/ministate.lock", code: "EBADMSG" });
  const ended = await runHere(["backup", "/data/state", "/data/copy"], { fs });
  assertEquals([ended.code, ended.errors], [0, ""]);
  await using copy = await openLedger("/data/copy", { fs, readOnly: true });
  assertEquals(copy.snapshot(), { entries: [1] });
});

test("backup starts over without what it had copied when a file of the copy vanishes", async () => {
  await using directory = await temporaryDirectory();
  const [state, copy] = [directory.join("state"), directory.join("copy")];
  await makeState(state);
  const copied: string[] = [];
  const fs = await wrapFs(({ name, path }) => {
    if (name !== "rename" || !path.startsWith(copy)) return;
    copied.push(basename(path));
    if (copied.length === 2) throw systemError("ENOENT");
  });
  const ended = await runHere(["backup", state, copy], { fs });
  assertEquals(ended.code, 0, ended.errors);
  // All of them again: what the first attempt had copied may not be of the same moment.
  const all = (await readdir(state)).filter((name) => /jsonl$/.test(name)).sort();
  assertEquals(copied.slice(2).sort(), all);
  assertEquals(copied[2], copied[0]);
  const restored = JSON.parse((await runHere(["verify", copy, "--json"])).output);
  assertEquals([restored.verdict, restored.nextOpen.sequence], ["sound", 6]);
});

test("log fails with CORRUPT when damage hides acknowledged mutations", async () => {
  await using directory = await temporaryDirectory();
  await makeState(directory.path);
  await change((await segmentsOf(directory.path)).at(-1)!, '"number":5', '"number":9');
  const ended = await ministate("log", directory.path, "--json");
  assertEquals([ended.code, errorOf(ended).code], [2, "CORRUPT"]);
  assertEquals(ended.output.trimEnd().split("\n").length, 4);
});

test("backup refuses a source that would lose acknowledged mutations, and a destination with a state", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  await makeState(state);
  assertEquals((await jsonOf("backup", state, directory.join("copy"))).sequence, 6);
  assertEquals((await ministate("verify", directory.join("copy"))).code, 0);
  const again = await ministate("backup", state, directory.join("copy"), "--json");
  assertEquals([again.code, errorOf(again).code], [1, "NOT_EMPTY"]);
  await change((await segmentsOf(state)).at(-1)!, '"number":5', '"number":9');
  const damaged = await ministate("backup", state, directory.join("other"), "--json");
  assertEquals([damaged.code, errorOf(damaged).code], [2, "CORRUPT"]);
  assertEquals((await readdir(directory.path)).sort(), ["copy", "state"]);
});

test("inspect, verify, log and backup raise no false alarm beside a busy writer that compacts", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  await using manager = await openLedger(state, {
    segmentSizeMax: 64 * 1024,
    compactionSize: 128 * 1024,
  });
  let stopped = false;
  let acknowledged = 0;
  const writing = (async () => {
    while (!stopped) {
      // Few entries, so that the snapshots stay small.
      const batch = Array.from({ length: 16 }, () => manager.apply("x".repeat(300)));
      for (const { sequence } of await Promise.all(batch)) acknowledged = sequence;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  try {
    while (acknowledged < 200) await new Promise((resolve) => setTimeout(resolve, 5));
    for (let round = 0; round < 3; round++) {
      const copy = directory.join(`copy${round}`);
      const least = acknowledged;
      const { code, output, errors } = await ministate("verify", state);
      assertEquals([code, errors], [0, ""], output);
      assertEquals((await jsonOf("inspect", state)).verdict, "sound");
      const log = await ministate("log", state);
      // A compaction may overtake it, and it says so: deleted records can't be printed.
      const overtaken = log.code === 1 &&
        /A compaction deleted the mutations from/.test(log.errors);
      assert(overtaken || log.code === 0 && log.errors === "", `${log.code}: ${log.errors}`);
      const { sequence } = await jsonOf("backup", state, copy);
      assert(sequence >= least, `${sequence} of ${least}`);
      assertEquals((await ministate("verify", copy)).code, 0);
      {
        await using restored = await openLedger(copy);
        assertEquals(restored.sequence, sequence);
        assertEquals(restored.state.entries.length, sequence);
      }
      await rm(copy, { recursive: true });
    }
  } finally {
    // Before the manager is closed: what failed above must not be hidden by what that does to the writer.
    stopped = true;
    await writing;
  }
});
