// Tests what is kept in memory for followers, and for how long.

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { LiveTail } from "../../src/journal/live_tail.ts";
import { Turns } from "../../src/journal/turns.ts";

const file = { name: "w", path: "/w", sequence: 1, edition: 1 };
const MEBIBYTE = 1024 * 1024;

function tailAt(next: number) {
  const state = { next };
  const tail = new LiveTail(next, () => ({ file, offset: 0, sequence: state.next }));
  const publish = (size: number) => {
    state.next++;
    tail.publish({ texts: ["x".repeat(size)], timestamp: 0, version: 1, refused: [] });
  };
  return { tail, publish };
}

test("LiveTail keeps nothing when there is no follower, or after the last one has left", () => {
  const { tail, publish } = tailAt(1);
  publish(1000);
  assertEquals(tail.size, 0);
  const node = tail.join();
  assertEquals([node.sequenceFirst, node.place?.sequence], [2, 2]);
  publish(1000);
  assert(tail.size >= 1000);
  tail.leave(node);
  assertEquals(tail.size, 0);
  publish(1000);
  assertEquals([tail.size, tail.join().sequenceFirst], [0, 4]);
});

test("LiveTail keeps what the slowest follower has yet to read, and drops it once that follower has read it", () => {
  const { tail, publish } = tailAt(1);
  let [slow, fast] = [tail.join(), tail.join()];
  for (let i = 0; i < 3; i++) publish(1000);
  for (let i = 0; i < 3; i++) fast = tail.advance(fast);
  const { size } = tail;
  slow = tail.advance(slow);
  assertEquals(tail.size, size / 3 * 2);
  slow = tail.advance(tail.advance(slow));
  assertEquals([tail.size, slow === fast, slow.sequenceFirst], [0, true, 4]);
});

test("LiveTail drops a follower that is too far behind, and no other", () => {
  const { tail, publish } = tailAt(1);
  const slow = tail.join();
  publish(600_000);
  const other = tail.join();
  publish(600_000);
  assertEquals([slow.isGone, slow.batch, slow.place?.sequence], [true, null, 1]);
  assertEquals([other.isGone, other.batch?.texts[0]?.length], [false, 600_000]);
  assert(tail.size <= MEBIBYTE);
  tail.leave(slow);
  assert(tail.size > 0, "the other is still there");
  for (let i = 0; i < 100; i++) publish(100_000);
  assert(tail.size <= MEBIBYTE && other.isGone);
  assertEquals(tail.size, 0, "nobody is left");
});

test("LiveTail keeps the newest batch for followers that wait for it, however large it is", () => {
  const { tail, publish } = tailAt(1);
  const node = tail.join();
  publish(3 * MEBIBYTE);
  assertEquals([node.isGone, node.batch?.texts.length], [false, 1]);
  publish(1);
  assertEquals(node.isGone, true);
});

test("LiveTail drops what a follower that left had not read", () => {
  const { tail, publish } = tailAt(1);
  let [stays, leaves] = [tail.join(), tail.join()];
  publish(1000);
  stays = tail.advance(stays);
  assert(tail.size >= 1000);
  tail.leave(leaves);
  assertEquals(tail.size, 0);
  publish(1000);
  assertEquals([leaves.isGone, stays.batch?.texts[0]?.length], [true, 1000]);
});

test("LiveTail wakes each waiting follower once, and none that has cancelled", () => {
  const { tail, publish } = tailAt(1);
  tail.join();
  const woken: string[] = [];
  const cancelled = () => woken.push("cancelled");
  tail.wait(() => woken.push("waits"));
  tail.wait(cancelled);
  tail.cancel(cancelled);
  publish(1);
  publish(1);
  assertEquals(woken, ["waits"]);
});

test("LiveTail says where a batch begins only when the files are not ahead", () => {
  const tail = new LiveTail(5, () => ({ file, offset: 100, sequence: 6 }));
  assertEquals(tail.join().place, null);
});

test("Turns runs a limited number of tasks at a time, in order, even when some fail", async () => {
  const turns = new Turns(2);
  const order: number[] = [];
  let running = 0;
  const ended = [0, 1, 2, 3, 4].map((n) =>
    turns.run(async () => {
      assert(++running <= 2);
      order.push(n);
      await Promise.resolve();
      running--;
      if (n % 2 === 0) throw new Error(`${n}`);
      return n;
    })
  );
  const results = (await Promise.allSettled(ended)).map(({ status }) => status === "fulfilled");
  assertEquals(results, [false, true, false, true, false]);
  assertEquals(order, [0, 1, 2, 3, 4]);
});
