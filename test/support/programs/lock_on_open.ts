// Takes locks as on macOS, where open(2) itself takes them: a stand-in for it knows O_EXLOCK, and notes what it is asked.
// Arguments: a directory. Prints a line of JSON.

import fs from "node:fs";
import process from "node:process";
import { StateManager } from "@ministate/ministate";
import { detectFs } from "../../../runtime/detect.ts";
import { ledger } from "../samples.ts";

const O_EXLOCK = 0x20, O_NONBLOCK_OF_MACOS = 0x4;
const [directory = ""] = process.argv.slice(2);
/** The path that each descriptor holds locked. */
const held = new Map<number, string>();
const locked: string[] = [];
let unlockable = "";

type Opened = (error: Error | null, fd?: number) => void;
const { open, close } = fs;
Object.defineProperty(process, "platform", { value: "darwin" });
fs.open = ((path: string, flags: number, mode: number, done: Opened) => {
  if ((flags & O_EXLOCK) === 0) return open(path, flags, mode, done);
  if ((flags & O_NONBLOCK_OF_MACOS) === 0) throw new Error("it would wait for the lock");
  const code = path === unlockable ? "ENOTSUP" : [...held.values()].includes(path) ? "EAGAIN" : "";
  if (code !== "") return queueMicrotask(() => done(Object.assign(new Error(code), { code })));
  locked.push(path.slice(directory.length));
  open(path, flags & ~(O_EXLOCK | O_NONBLOCK_OF_MACOS), mode, (error, fd) => {
    if (error === null) held.set(fd, path);
    done(error, fd);
  });
}) as unknown as typeof fs.open;
fs.close = ((fd: number, done: (error: Error | null) => void) => {
  held.delete(fd);
  close(fd, done);
}) as typeof fs.close;

const openState = () => StateManager.open(directory, "ledger.wal.jsonl", ledger);
const codeOf = (opening: Promise<unknown>) =>
  opening.then(() => null, (error: { code?: string }) => error.code ?? String(error));

const manager = await openState();
await manager.apply(1);
const second = await codeOf(openState());
await manager.close();
const left = held.size;
const again = await openState();
await again.close();
// Whoever holds the directory alone keeps others out.
const runtimeFs = await detectFs();
const alone = await runtimeFs.lockDirectory(directory);
const beside = [
  await runtimeFs.lockDirectory(directory),
  await runtimeFs.lock(`${directory}/ministate.lock`, directory),
];
await alone!.release();
const leftAlone = held.size;
// A file system that locks files alone.
unlockable = directory;
const partly = await openState();
const { entries } = partly.state;
const third = await codeOf(openState());
await partly.close();
const result = { second, left, beside, leftAlone, third, entries: entries.length };
console.log(JSON.stringify({ ...result, locked: [...new Set(locked)] }));
process.exit(0);
