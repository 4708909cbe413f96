// Tests when syncs are synchronous and when on a thread, with a clock that the tests move.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { SyncPace } from "../../runtime/sync_pace.ts";

/** A pace on a disk whose syncs take as long as a test sets, and how each sync was made. */
class Disk {
  readonly pace = new SyncPace(turn);
  now = 1000;
  syncMs = 0.1;

  /** Makes one sync and says how; `restMs` is what passes before it. */
  async sync(restMs = 0): Promise<"at once" | "after a turn" | "threaded"> {
    this.now += restMs;
    let how: "at once" | "threaded" | null = null;
    const make = (kind: "at once" | "threaded") => {
      how = kind;
      this.now += this.syncMs;
    };
    const syncing = this.pace.sync(
      () => make("at once"),
      // As a thread's answer, it comes in another turn.
      async () => {
        make("threaded");
        await turn();
      },
    );
    if (syncing === undefined) return how!;
    await syncing;
    return how! === "at once" ? "after a turn" : how!;
  }

  async syncs(count: number, restMs = 0): Promise<string[]> {
    const made: string[] = [];
    for (let i = 0; i < count; i++) made.push(await this.sync(restMs));
    return made;
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Runs a test by the disk's clock. */
async function byItsClock(run: (disk: Disk) => Promise<void>): Promise<void> {
  const disk = new Disk();
  const own = Object.getOwnPropertyDescriptor(performance, "now");
  Object.defineProperty(performance, "now", { value: () => disk.now, configurable: true });
  try {
    await run(disk);
  } finally {
    if (own !== undefined) Object.defineProperty(performance, "now", own);
    else delete (performance as { now?: unknown }).now;
    // What was asked for is not left to the next test.
    await turn();
  }
}

test("the first sync is on a thread, and those after a fast one are synchronous", () =>
  byItsClock(async (disk) => {
    assertEquals(await disk.syncs(3), ["threaded", "at once", "at once"]);
  }));

test("after a slow sync the next one is on a thread, until one is fast again", () =>
  byItsClock(async (disk) => {
    await disk.syncs(2);
    disk.syncMs = 5;
    assertEquals(await disk.syncs(3), ["at once", "threaded", "threaded"]);
    disk.syncMs = 0.1;
    assertEquals(await disk.syncs(2), ["threaded", "at once"]);
  }));

test("a loop that only waits for its syncs gives other tasks a turn every 2 ms", () =>
  byItsClock(async (disk) => {
    await disk.sync();
    let turns = 0;
    const count = async () => {
      for (; turns < 2; turns++) await turn();
    };
    const counting = count();
    const made = await disk.syncs(12, 0.4);
    await counting;
    assertEquals(made.filter((how) => how === "after a turn").length, 2, made.join());
    assertEquals(made.includes("threaded"), false);
  }));

test("a loop that only commits gets its turns when the file was closed meanwhile", () =>
  byItsClock(async (disk) => {
    const failing = new SyncPace(async () => {
      await turn();
      throw new Error("closed");
    });
    const paced = Object.assign(disk, { pace: failing });
    await paced.sync();
    assertEquals((await paced.syncs(12, 0.4)).includes("threaded"), false);
  }));

test("a loop with other work in that turn gets the time of a whole sync as well", () =>
  byItsClock(async (disk) => {
    await disk.sync();
    setImmediate(() => disk.now += 1);
    assertEquals(await disk.syncs(3, 2), ["at once", "threaded", "at once"]);
  }));

test("syncs of a process that answers to events are on a thread", () =>
  byItsClock(async (disk) => {
    await disk.sync();
    const answer = async () => {
      const how = await disk.sync();
      await turn();
      return how;
    };
    const answers = [];
    for (let i = 0; i < 6; i++) answers.push(await answer());
    const atOnce = ["at once", "at once", "at once"];
    assertEquals(answers, [...atOnce, "threaded", "threaded", "threaded"]);

    // It is tried again, and one event more is enough.
    disk.now += 250;
    assertEquals([await answer(), await answer()], ["at once", "threaded"]);

    // A loop that only commits is recognized as soon as an extra turn brought nothing.
    disk.now += 250;
    assertEquals(await disk.syncs(3, 1), ["at once", "at once", "after a turn"]);
    await turn();
    assertEquals(await disk.syncs(2), ["at once", "at once"]);
  }));
