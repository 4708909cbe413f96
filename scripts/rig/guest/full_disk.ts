// Fills a real file system under a state: `fill FOLDER` until it is killed in mid-write, `edge FOLDER ACKED SENT` opens
// on the full disk and continues there until it is killed, and `check FOLDER ACKED SENT` ends with the disk emptied.
// What fills the disk is beside the state, in files that only take space.

import { StateManager, type StateManagerOptions } from "@ministate/ministate";
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import process from "node:process";
import { BALLAST, JOURNAL } from "./checks.ts";
import { differs, type Entry, entry, type Ledger, ledger } from "./model.ts";
import { openLine, say } from "./said.ts";

type Manager = StateManager<Ledger, Entry, number>;

/** Segments change and compactions run while the disk is nearly full. */
const BUSY: StateManagerOptions = { segmentSizeMax: 256 * 1024, compactionSize: 128 * 1024 };
/** What is left of the disk, turn after turn: room for several segments, for none, for a few batches. */
const ROOMS = [700 * 1024, 0, 60 * 1024];
const GROUP = 4;
/** More than the disk can take while it is filled up again and again. */
const GROUPS_MAX = 4000;
/** So often it is: a compaction gives space back, and a small state could continue forever. */
const GROUPS_TO_TOP_UP = 50;
/** Sizes of files that are removed and written again, one after the other, while a program works at the edge. */
const PIECES = [4, 48, 12, 24, 8, 96, 16].map((size) => size * 1024);
/** Groups that are sent to a disk already full. */
const GROUPS_REFUSED = 6;
/** Some file systems give freed space back only with their next transaction. */
const FREED_MS_MAX = 20_000;

const [command, folder = "", acked, sent] = process.argv.slice(2);
const ballast = `${folder}/${BALLAST}`;
openLine();
try {
  if (command === "fill") await fill();
  else {
    const manager = await openOnFull(Number(acked), Number(sent));
    await (command === "edge" ? workAtEdge(manager) : check(manager));
  }
} catch (error) {
  const { code, name, message, cause } = error as Error & { code?: string };
  say("problem", JSON.stringify(`${code ?? name}: ${message} (${cause ?? "no cause"})`));
  process.exit(1);
}

/** Fills the disk and empties it, several times; then continues at its limit until it is killed. */
async function fill(): Promise<void> {
  const manager = await open();
  for (const room of ROOMS) {
    fillDisk([room]);
    removeBallast(1);
    await applyUntilRefused(manager);
    for (let i = 0; i < GROUPS_REFUSED; i++) await applyGroup(manager);
    freeDisk();
    await applyOnceFreed(manager);
  }
  await workAtEdge(manager);
}

/** A little space comes and goes, until the program is killed. */
async function workAtEdge(manager: Manager): Promise<never> {
  freeDisk();
  fillDisk(PIECES);
  await applyUntilRefused(manager);
  say("edge");
  for (let turn = 0;; turn++) {
    const index = turn % PIECES.length;
    removeBallast(index + 1);
    await applyUntilRefused(manager);
    takeSpace(index + 1, PIECES[index]!);
  }
}

/** Opens on the full disk: everything acknowledged must be there, and nothing that was refused. */
async function openOnFull(acknowledged: number, sequenceMax: number): Promise<Manager> {
  fillDisk([]);
  const manager = await open();
  const { sequence, recovery } = manager;
  if (sequence < acknowledged || sequence > sequenceMax) {
    throw new Error(`${sequence} mutations, not ${acknowledged} to ${sequenceMax}`);
  }
  if (recovery.lost !== null) throw new Error("the report says that mutations were lost");
  compare(manager);
  say("found", sequence, recovery.torn === null ? "sound" : "torn");
  return manager;
}

/** Continues once there is space. */
async function check(manager: Manager): Promise<void> {
  await applyGroup(manager);
  freeDisk();
  await applyOnceFreed(manager);
  await manager.compact();
  await applyOnceFreed(manager);
  const last = manager.sequence;
  await manager.close();
  await using again = await open();
  if (again.sequence !== last) throw new Error(`${again.sequence} mutations, not ${last}`);
  compare(again);
  say("sound");
}

function open(): Promise<Manager> {
  return StateManager.open(`${folder}/state`, JOURNAL, ledger, BUSY);
}

function compare(manager: Manager): void {
  const problem = differs(manager.snapshot(), manager.sequence);
  if (problem !== null) throw new Error(problem);
}

/** Returns whether it was taken. Any refusal but that of a full disk ends the program. */
async function applyGroup(manager: Manager): Promise<boolean> {
  const first = manager.sequence + 1;
  say("send", first + GROUP - 1);
  try {
    await manager.applyAll(Array.from({ length: GROUP }, (_, i) => entry(first + i)));
  } catch (error) {
    const { code, systemCode } = error as { code?: string; systemCode?: string };
    if (code !== "DISK_FULL") throw error;
    say("refused", systemCode ?? "without a code");
    return false;
  }
  say("ack", first + GROUP - 1);
  return true;
}

async function applyUntilRefused(manager: Manager): Promise<void> {
  for (let i = 0; i < GROUPS_MAX; i++) {
    if (!await applyGroup(manager)) return;
    if (i % GROUPS_TO_TOP_UP === GROUPS_TO_TOP_UP - 1) fillDisk([]);
  }
  throw new Error(`the disk was not full after ${GROUPS_MAX} groups`);
}

async function applyOnceFreed(manager: Manager): Promise<void> {
  const deadline = performance.now() + FREED_MS_MAX;
  while (!await applyGroup(manager)) {
    if (performance.now() > deadline) throw new Error("still refused after the disk was emptied");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Takes some space in pieces, and then all that is left. */
function fillDisk(pieces: readonly number[]): void {
  mkdirSync(ballast, { recursive: true });
  pieces.forEach((size, index) => takeSpace(index + 1, size));
  for (const size of [256 * 1024, 4096]) takeSpace(0, Infinity, size);
}

/**
 * Writes up to `size` bytes to one file of the ballast. Any error shows that the disk takes no more; only the
 * library's own refusals are judged.
 */
function takeSpace(number: number, size: number, step = 4096): void {
  try {
    const file = openSync(`${ballast}/${number}`, "a");
    try {
      const bytes = new Uint8Array(step).fill(46);
      for (let taken = 0; taken < size; taken += step) {
        if (writeSync(file, bytes) < step) break;
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch {
    // The disk is full.
  }
}

/** Removed, not cut: under a quota btrfs may refuse to cut a file for want of space. */
function removeBallast(number: number): void {
  rmSync(`${ballast}/${number}`, { force: true });
}

function freeDisk(): void {
  rmSync(ballast, { recursive: true, force: true });
}
