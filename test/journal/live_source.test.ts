// Tests that a follower that stops leaves nothing behind: no memory in use, and no call that waits.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import type { JournalWriter } from "../../src/journal/journal_writer.ts";
import { LiveSource } from "../../src/journal/live_source.ts";
import { LiveTail } from "../../src/journal/live_tail.ts";
import type { StateDirectory } from "../../src/journal/state_directory.ts";

const file = { name: "w", path: "/w", sequence: 1, edition: 1 };

test("LiveSource that is stopped while it waits leaves the tail, and its fetch() returns", async () => {
  const tail = new LiveTail(1, () => ({ file, offset: 0, sequence: 1 }));
  const other = tail.join();
  const source = new LiveSource({} as StateDirectory, { tail } as JournalWriter, 1);
  const waiting = source.fetch();
  source.stop();
  assertEquals(await waiting, true);
  tail.publish({ texts: ["1"], timestamp: 0, version: 1, refused: [] });
  assertEquals(other.followers, 1);
  tail.advance(other);
  assertEquals([tail.size, source.take()], [0, null]);
});
