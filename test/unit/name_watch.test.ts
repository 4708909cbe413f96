// When looking at a directory stands in for looking at a file in it, by a clock that the tests move.

import { assertEquals, assertRejects } from "@std/assert";
import { unlink } from "node:fs/promises";
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
  changed: number | Error = 1;
  now = 0;
  readonly watch: NameWatch = new NameWatch(() => {
    if (this.changed instanceof Error) throw this.changed;
    return this.changed;
  }, () => this.now);

  /** What the watch says after each of these times has passed. */
  after(...times: number[]): boolean[] {
    return times.map((ms) => {
      this.now += ms;
      return this.watch.isUnchanged();
    });
  }
}

test("a directory stands in for a file once it has been the same for longer than any step of its times", () => {
  const watched = new Watched();
  assertEquals(watched.after(0, 1, STEADY_MS - 1), [false, false, false]);
  // The first that is seen to be steady still has the file looked at; from then on nothing can be hidden.
  assertEquals(watched.after(1, 0, 0, 100_000), [false, true, true, true]);
});

test("a change of the directory is noticed at once, and starts the time anew", () => {
  const watched = new Watched();
  watched.after(0, STEADY_MS + 1);
  assertEquals(watched.after(0), [true]);
  watched.changed = 2;
  assertEquals(watched.after(0, STEADY_MS, 1, 0), [false, false, false, true]);
});

test("a directory that can't be looked at stands in for nothing", () => {
  const watched = new Watched();
  watched.changed = systemError("ESTALE");
  assertEquals(watched.after(0, STEADY_MS + 1, 1, 1), [false, false, false, false]);
});

const ways: Record<string, <T>(value: T) => MaybePromise<T>> = {
  "at once": (value) => value,
  "later": (value) => Promise.resolve(value),
};

for (const [how, answer] of Object.entries(ways)) {
  test(`a synced file that answers ${how} is looked at only after its directory has changed`, async () => {
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
    const own = Object.getOwnPropertyDescriptor(performance, "now");
    let now = 0;
    Object.defineProperty(performance, "now", { value: () => now, configurable: true });
    try {
      const placed = await new PlacedFs(fs, place).open(path, "create");
      await placed.syncData();
      now += STEADY_MS + 1;
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
    } finally {
      if (own !== undefined) Object.defineProperty(performance, "now", own);
      else delete (performance as { now?: unknown }).now;
    }
  });
}
