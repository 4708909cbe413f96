// Tests when checking a directory can replace checking a file in it, with a clock that the tests move.

import { assertEquals, assertRejects } from "@std/assert";
import { mkdir, rename, rm, unlink } from "node:fs/promises";
import { test } from "node:test";
import {
  DirectoryGoneError,
  type DurableFs,
  type FileIdentity,
  type MaybePromise,
} from "@ministate/ministate";
import { NameWatch, STEADY_MS } from "../../src/disk/name_watch.ts";
import { Place } from "../../src/disk/place.ts";
import { PlacedFs } from "../../src/disk/placed_fs.ts";
import { detectFs } from "../../runtime/detect.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError } from "../support/wrapped_fs.ts";

/** A watch on a directory that changes, by a clock that moves, when the test says so. */
class Watched {
  changed: number | null | Error = 1;
  now = 0;
  readonly watch: NameWatch = new NameWatch(() => {
    if (this.changed instanceof Error) throw this.changed;
    return this.changed;
  }, () => this.now);

  /** What the watch says after each of these times has passed; if it asks for the file, that is where it was. */
  after(...times: number[]): boolean[] {
    return times.map((ms) => {
      this.now += ms;
      const isUnchanged = this.watch.isUnchanged();
      if (!isUnchanged && this.watch.isDue) this.watch.foundUnderItsName();
      return isUnchanged;
    });
  }
}

test("a directory vouches for a file once it has been unchanged for longer than the resolution of its timestamps", () => {
  const watched = new Watched();
  assertEquals(watched.after(0, 1, STEADY_MS - 1), [false, false, false]);
  // The first check that finds it steady still checks the file; from then on nothing can be hidden.
  assertEquals(watched.after(1, 0, 0, 100_000), [false, true, true, true]);
});

test("a change of the directory is noticed at once, and restarts the wait", () => {
  const watched = new Watched();
  watched.after(0, STEADY_MS + 1);
  assertEquals(watched.after(0), [true]);
  watched.changed = 2;
  assertEquals(watched.after(0, STEADY_MS, 1, 0), [false, false, false, true]);
});

test("a directory that can't be checked, or whose time can't be trusted, vouches for nothing", () => {
  // One that fails, one on FAT, and one that can recur when the clock is set back.
  for (const changed of [systemError("ESTALE"), null, Date.now()]) {
    const watched = new Watched();
    watched.changed = changed;
    assertEquals(watched.after(0, STEADY_MS + 1, 1, 1), [false, false, false, false]);
    assertEquals(watched.watch.isDue, false);
  }
});

test("a directory vouches for nothing as long as the file is not under its name", () => {
  const watched = new Watched();
  for (const ms of [0, STEADY_MS + 1, 1]) {
    watched.now += ms;
    assertEquals(watched.watch.isUnchanged(), false);
  }
  assertEquals(watched.watch.isDue, true);
});

/** Puts a clock that only the test moves in place of the process's own. */
function standingClock(): { now: number } & Disposable {
  const own = Object.getOwnPropertyDescriptor(performance, "now");
  const clock = {
    now: 0,
    [Symbol.dispose]() {
      if (own !== undefined) Object.defineProperty(performance, "now", own);
      else delete (performance as { now?: unknown }).now;
    },
  };
  Object.defineProperty(performance, "now", { value: () => clock.now, configurable: true });
  return clock;
}

const ways: Record<string, <T>(value: T) => MaybePromise<T>> = {
  "at once": (value) => value,
  "later": (value) => Promise.resolve(value),
};

for (const [how, answer] of Object.entries(ways)) {
  test(`a synced file that answers ${how} is checked only after its directory has changed`, async () => {
    await using directory = await temporaryDirectory();
    const real = await detectFs();
    let changed = 1;
    let looks = 0;
    const fs: DurableFs = {
      ...real,
      async open(path, mode) {
        const opened = await real.open(path, mode);
        return {
          read: (buffer, offset) => opened.read(buffer, offset),
          write: (buffer, offset) => opened.write(buffer, offset),
          syncData: () => opened.syncData(),
          syncAll: () => opened.syncAll(),
          truncate: (size) => opened.truncate(size),
          size: () => opened.size(),
          identity() {
            looks++;
            return answer(opened.identity() as FileIdentity);
          },
          close: () => opened.close(),
        };
      },
    };
    const identity = await fs.identity(directory.path);
    const place = new Place(fs, { path: directory.path, identity }, null, true, () => changed);
    const path = directory.join("file");
    using clock = standingClock();
    const placed = await new PlacedFs(fs, place).open(path, "create");
    await placed.syncData();
    clock.now += STEADY_MS + 1;
    await placed.syncAll();
    assertEquals(looks, 2);
    for (let i = 0; i < 5; i++) await placed.syncData();
    assertEquals(looks, 2);
    changed = 2;
    await placed.syncData();
    assertEquals(looks, 3);
    await unlink(path);
    changed = 3;
    await assertRejects(async () => await placed.syncData(), DirectoryGoneError);
    await placed.close();
  });
}

for (const [what, away] of Object.entries({ file: "state/file", directory: "state" })) {
  test(`a file is checked after every sync once the ${what} was moved, where nothing watches it`, async () => {
    await using directory = await temporaryDirectory();
    const state = directory.join("state");
    await mkdir(state);
    const fs = await detectFs();
    const identity = await fs.identity(state);
    const place = new Place(fs, { path: state, identity }, null, true, () => 1);
    using clock = standingClock();
    const placed = await new PlacedFs(fs, place).open(`${state}/file`, "create");
    await placed.syncData();
    await rename(directory.join(away), directory.join("away"));
    for (let i = 0; i < 3; i++) {
      clock.now += STEADY_MS + 1;
      await placed.syncData();
    }
    await rm(directory.join("away"), { recursive: true });
    await assertRejects(async () => await placed.syncData(), DirectoryGoneError);
    await placed.close();
  });
}
