// How a call is made again that a signal interrupts, without any signal.

import { test } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { uninterrupted } from "../../runtime/interrupted.ts";

/** A call that fails with these, one after the other, and then succeeds; and how often it was made. */
function failing(...errors: object[]) {
  const made = { count: 0 };
  const next = () => {
    const error = errors[made.count++];
    if (error !== undefined) throw Object.assign(new Error("(os error 4)"), error);
    return "done";
  };
  return { made, next };
}

const INTERRUPTED = [{ code: "EINTR" }, { errno: -4 }, {}];

test("uninterrupted() repeats an interrupted call, synchronously if it answers synchronously", () => {
  const { made, next } = failing(...INTERRUPTED);
  assertEquals([uninterrupted(next), made.count], ["done", 4]);
});

test("uninterrupted() repeats an interrupted call that answers later", async () => {
  const { made, next } = failing(...INTERRUPTED);
  assertEquals([await uninterrupted(() => Promise.resolve().then(next)), made.count], ["done", 4]);
});

test("uninterrupted() does not repeat a call that fails for another reason", async () => {
  const { made, next } = failing({ code: "EINTR" }, { code: "EIO" });
  assertThrows(() => uninterrupted(next), Error, "os error");
  assertEquals(made.count, 2);
  const later = failing({ code: undefined, errno: 122 });
  const error = await assertRejects(async () =>
    await uninterrupted(async () => await later.next())
  );
  assertEquals([(error as { code?: string }).code, later.made.count], ["EDQUOT", 1]);
});

test("uninterrupted() gives up a call that is interrupted each time", async () => {
  const never = failing(...Array(5000).fill({ code: "EINTR" }));
  assertThrows(() => uninterrupted(never.next));
  assertEquals(never.made.count, 1000);
  const later = failing(...Array(5000).fill({ code: "EINTR" }));
  await assertRejects(async () => await uninterrupted(() => Promise.resolve().then(later.next)));
  assertEquals(later.made.count, 1000);
});
