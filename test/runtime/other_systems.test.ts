// Tests what happens on macOS, where open(2) takes the lock, and on systems and packages that are refused.

import process from "node:process";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { IoError, StateManager } from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import { thisSystem, unsupported } from "../../runtime/system.ts";
import { assertFails } from "../support/errors.ts";
import { own, run } from "../support/runtimes.ts";
import { journalName, ledger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

test("open() takes the lock by O_EXLOCK under Node and Bun on macOS, and gives it back", async () => {
  await using directory = await temporaryDirectory();
  // Deno takes it natively on every system.
  const found = await run(own === "deno" ? "node" : own, "lock_on_open.ts", [directory.path]);
  assertEquals(found, {
    second: "LOCKED",
    left: 0,
    beside: [null, null],
    leftAlone: 0,
    third: "LOCKED",
    entries: 1,
    locked: ["/ministate.lock", ""],
  });
});

const WINDOWS = { name: "windows", node: null };
const OLD = { name: "linux", node: "18.20.8" };

for (
  const { system, what, says } of [
    { system: WINDOWS, what: "Windows", says: /Windows can't make .* durable.*run the program on/ },
    { system: OLD, what: "an old Node", says: /This is Node 18.20.8, .* 20.19, 22.12.*update/ },
  ]
) {
  test(`open() on ${what} fails and says what to do`, async () => {
    const fs = await detectFs(system);
    for (const readOnly of [false, true]) {
      const opening = () => StateManager.open("/none", journalName, ledger, { fs, readOnly });
      const error = await assertFails(opening, { error: IoError, code: "IO_FAILED", says });
      assertEquals(error.systemCode, "ENOSYS");
    }
  });
}

test("open() says that the module for this runtime is missing, and what to do", async () => {
  for (const thrown of [new Error("Cannot find module 'node_fs.js'"), "node_fs.js"]) {
    const fs = await detectFs(undefined, () => Promise.reject(thrown));
    const opening = () => StateManager.open("/none", journalName, ledger, { fs });
    const says = /can't be loaded \(.*node_fs\.js.*\): if a bundler .* bundle the program into one/;
    await assertFails(opening, { error: IoError, code: "IO_FAILED", says });
  }
});

test("every call of the file system is refused where nothing can be promised", async () => {
  const { crc32, ...calls } = await detectFs(WINDOWS);
  assertEquals(crc32(new Uint8Array(4), 0), 0);
  for (const call of Object.values(calls) as ((path: string) => Promise<unknown>)[]) {
    assertEquals(await call("a").catch(({ code }) => code), "ENOSYS");
  }
});

test("unsupported() names the versions of Node that the packages do not take", () => {
  const refused = (node: string | null) => unsupported({ name: "linux", node }) !== null;
  const olds = ["18.20.8", "20.18.3", "21.7.3", "22.11.0"];
  const news = ["20.19.0", "20.20.2", "22.12.0", "23.0.0", "24.11.0", "26.10.0", "100.0.0", null];
  assertEquals([olds.map(refused), news.map(refused)], [
    olds.map(() => true),
    news.map(() => false),
  ]);
});

test("thisSystem() names the system, and Node's version under Node alone", () => {
  const { name, node } = thisSystem();
  assertEquals([name, node], ["linux", own === "node" ? process.versions.node : null]);
  const host = globalThis as { Bun?: unknown };
  const before = Object.getOwnPropertyDescriptor(process, "platform")!;
  const isBun = "Bun" in globalThis;
  if (!isBun) host.Bun = {};
  Object.defineProperty(process, "platform", { value: "win32", configurable: true });
  try {
    assertEquals(thisSystem(), { name: own === "deno" ? "linux" : "windows", node: null });
  } finally {
    Object.defineProperty(process, "platform", before);
    if (!isBun) delete host.Bun;
  }
});
