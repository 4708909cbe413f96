// Tests a mutator against recorded histories: those of the program before it, of older versions, and damaged ones.

import { assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import {
  CorruptionError,
  DROP,
  ForeignFormatError,
  IoError,
  type Mutator,
  MutatorChangedError,
  NoStateError,
  StateManager,
} from "@ministate/ministate";
import { checkMutator, MutatorCheckError, PowerCutDisk } from "../../testing.ts";
import { verifyRecorded } from "../../testing/mutator_histories.ts";
import { subjectOf } from "../../testing/subject.ts";
import { temporaryDirectory } from "../support/temporary.ts";

interface Tank {
  litres: number;
}

interface Fill {
  litres: number;
}

type Program = Mutator<Tank, Fill>;

const tank = (sizeMax: number, more: object = {}): Program => ({
  initial: () => ({ litres: 0 }),
  apply(state: Tank, { litres }: Fill) {
    if (state.litres + litres > sizeMax) throw new RangeError("it runs over");
    state.litres += litres;
  },
  ...more,
});

const options = {
  generate: () => ({ litres: 1 }),
  seed: 1,
  historyCount: 1,
  mutationCount: 1,
  imagesMax: 1,
};

/** Three accepted mutations, one refused and a refused group; a snapshot before the last accepted one. */
async function record(path: string, fs?: PowerCutDisk): Promise<void> {
  await using manager = await StateManager.open(path, "tank.wal.jsonl", tank(100), {
    compaction: "manual",
    ...(fs === undefined ? {} : { fs }),
  });
  await manager.apply({ litres: 40 });
  await manager.applyAll([{ litres: 50 }, { litres: 50 }]).catch(() => {});
  await manager.apply({ litres: 30 });
  await manager.apply({ litres: 90 }).catch(() => {});
  await manager.createSnapshot();
  await manager.apply({ litres: 20 });
}

async function contents(path: string): Promise<Record<string, string>> {
  const names = (await readdir(path)).sort();
  const texts = await Promise.all(names.map((name) => readFile(`${path}/${name}`, "latin1")));
  return Object.fromEntries(names.map((name, i) => [name, texts[i]!]));
}

test("checkMutator() replays recorded histories, and reports how much was compared", async () => {
  await using directory = await temporaryDirectory();
  const [one, two] = [directory.join("one"), directory.join("two")];
  await record(one);
  await record(two);
  const before = await contents(one);
  // What was refused is recorded: a larger tank changes nothing.
  const report = await checkMutator(tank(1000), { ...options, histories: [one, two] });
  const compared = { from: 0, to: 6, snapshots: 1, skipped: [], difference: null };
  assertEquals(report.histories, [compared, compared]);
  assertEquals(report.historyCount, 1);
  assertEquals(await contents(one), before);
  const reducer = {
    initial: () => ({ litres: 0 }),
    reduce: (state: Tank, { litres }: Fill) => ({ litres: state.litres + litres }),
  };
  const reduced = await checkMutator(() => reducer, { ...options, histories: [one] });
  assertEquals(reduced.histories, [compared]);
});

test("checkMutator() finds a mutator that refuses what a recorded history accepted", async () => {
  const disk = new PowerCutDisk();
  await record("/one", disk);
  const check = (program: Program) =>
    checkMutator(program, { ...options, histories: ["/one"], fs: disk });
  const error = await assertRejects(() => check(tank(60)), MutatorCheckError);
  assertEquals([error.rule, error.mutations], ["history", []]);
  assertInstanceOf(error.cause, MutatorChangedError);
  assertMatch(
    error.message,
    /\(history\): in "\/one", The mutator refuses mutation 4: it runs over/,
  );
  // A new version may carry it over.
  const version = 2;
  const migrate = { mutation: (old: Fill) => old.litres === 30 ? DROP : old };
  const dropped = await assertRejects(
    () => check(tank(60, { version, migrate })),
    MutatorCheckError,
  );
  assertMatch(
    dropped.message,
    /The snapshot ".*" holds 70 at "\/litres", and the program gives 40/,
  );
  const lossless = tank(1000, {
    version,
    migrate: { state: (old: Tank) => ({ litres: old.litres }) },
  });
  assertEquals((await check(lossless)).histories[0]!.snapshots, 1);
});

test("checkMutator() finds a mutator whose effect differs from what a recorded history shows", async () => {
  const disk = new PowerCutDisk();
  await record("/one", disk);
  const leaking: Program = {
    ...tank(100),
    apply: (state, { litres }) => void (state.litres += litres - 1),
  };
  const check = () => checkMutator(leaking, { ...options, histories: ["/one"], fs: disk });
  const error = await assertRejects(check, MutatorCheckError);
  assertEquals([error.rule, error.cause], ["history", undefined]);
  assertMatch(
    error.message,
    /holds 70 at "\/litres", and the program gives 68: one of .* 1 to 5 has/,
  );
  const { report } = await verifyRecorded(subjectOf(leaking, 1), "/one", disk);
  assertEquals(report.difference?.sequenceLast, 5);
});

test("checkMutator() fails when a recorded history isn't there, is damaged, or is another program's", async () => {
  const disk = new PowerCutDisk();
  await record("/one", disk);
  await disk.makeDirectory("/empty");
  const check = (directory: string, program = tank(100)) =>
    checkMutator(program, { ...options, histories: [directory], fs: disk });
  await assertRejects(() => check("/empty"), NoStateError);
  await assertRejects(() => check("/missing"), IoError);
  await assertRejects(() => check("/one", tank(100, { name: "boiler" })), ForeignFormatError);
  disk.flipBit(`/one/tank-${"6".padStart(16, "0")}.wal.jsonl`, 200, 0);
  disk.flipBit(`/one/tank-${"1".padStart(16, "0")}.wal.jsonl`, 200, 0);
  await assertRejects(() => check("/one"), CorruptionError);
});
