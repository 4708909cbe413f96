// Uses every part of the library once: use_everything.ts DIRECTORY. Run under Deno with access only to that directory.

import process from "node:process";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { journalName, openLedger } from "../samples.ts";

const directory = process.argv[2]!;
const replayed: number[] = [];
{
  await using manager = await openLedger(directory, { segmentSizeMax: 65_536 });
  for (let i = 1; i <= 6; i++) await manager.apply("x".repeat(20_000));
  await manager.applyAll([7, 8, 9]);
}
let backup;
{
  await using manager = await openLedger(directory);
  replayed.push(manager.recovery.replayed);
  await manager.stateAt(3);
  await manager.changes({ from: 1 }).next();
  await manager.compact();
  ({ sequence: backup } = await manager.backup(`${directory}/backup`));
}
await using store = await SnapshotStore.open(`${directory}/store`, journalName);
await store.create(1, {});
await using journal = await Journal.open(`${directory}/journal`, journalName);
await journal.append(1);
await using reader = await openLedger(directory, { readOnly: true });
await using copy = await openLedger(`${directory}/backup`);
replayed.push(copy.recovery.replayed);
console.log(JSON.stringify({ sequence: reader.sequence, backup, replayed }));
