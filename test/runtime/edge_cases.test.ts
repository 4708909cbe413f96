// Tests edge cases of the runtimes' own file systems and terminals: races, failing locks, signals, streams.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { chmod, mkdir, rename, symlink, writeFile } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { detectFs } from "../../runtime/detect.ts";
import { lockByProgram, lockDescriptors } from "../../runtime/flock.ts";
import { findFlock } from "../../runtime/node_flock.ts";
import { ioError } from "../../src/failures.ts";
import { processMachine } from "../../cli/process/machine.ts";
import { processTerminal } from "../../cli/process/terminal.ts";
import { own, run, start } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** The code of the error that a call fails with. */
async function codeOf(call: () => unknown): Promise<unknown> {
  const error = await assertRejects(async () => {
    await call();
  });
  return (error as { code?: string }).code;
}

/** Replaces a member of an object until the returned function is called. */
function replace<T extends object, K extends keyof T>(object: T, key: K, value: T[K]): () => void {
  const before = Object.getOwnPropertyDescriptor(object, key);
  Object.defineProperty(object, key, { value, configurable: true, writable: true });
  return () => {
    if (before === undefined) delete object[key];
    else Object.defineProperty(object, key, before);
  };
}

/** Sets variables of the environment, until the returned function is called. */
function setVariables(values: Record<string, string>): () => void {
  const before = Object.keys(values).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, values);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}

/** Limits where programs are found to one directory, until the returned function is called. Node must need one. */
function searchProgramsIn(path: string): () => void {
  return setVariables({ PATH: path, NODE_NO_WARNINGS: "", NODE_OPTIONS: "" });
}

test("write() and syncData() run synchronously after a fast sync, until one is slow", async () => {
  await using directory = await temporaryDirectory();
  const file = await (await detectFs()).open(directory.join("a"), "create");
  let now = 0;
  let stepMs = 0;
  const restore = replace(performance, "now", () => now += stepMs);
  try {
    const isAtOnce = (answer: unknown) => !(answer instanceof Promise);
    const first = file.syncData();
    assertEquals(isAtOnce(first), false);
    await first;
    assertEquals(file.write(encode("at once"), 0), 7);
    // The first one lets the event loop turn before it.
    await file.syncData();
    assertEquals(isAtOnce(file.syncData()), true);
    stepMs = 1;
    assertEquals(isAtOnce(file.syncData()), true);
    stepMs = 0;
    const threaded = file.write(encode("!"), 7);
    assertEquals(isAtOnce(threaded), false);
    assertEquals(await threaded, 1);
  } finally {
    restore();
  }
  await file.close();
  assertEquals(fs.readFileSync(directory.join("a"), "utf8"), "at once!");
});

test("a loop of syncData() on a fast disk doesn't starve timers and sockets", async () => {
  await using directory = await temporaryDirectory();
  const file = await (await detectFs()).open(directory.join("a"), "create");
  let now = 0;
  const restore = replace(performance, "now", () => now += 0.25);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  try {
    // By this clock a sync takes half of what makes a disk slow, and each turn of the loop a few syncs.
    for (let i = 0; i < 20_000 && turns < 10; i++) await file.syncData();
  } finally {
    clearInterval(timer);
    restore();
  }
  await file.close();
  assert(turns >= 10, `only ${turns} turns`);
});

test("read() and write() fail when the file is not open for that, or no longer open", async () => {
  await using directory = await temporaryDirectory();
  const runtimeFs = await detectFs();
  const path = directory.join("a");
  await writeFile(path, "text");
  const file = await runtimeFs.open(path, "read");
  assertEquals(await codeOf(() => file.write(encode("x"), 0)), "EBADF");
  assertEquals(fs.readFileSync(path, "utf8"), "text");
  await file.close();
  await assertRejects(async () => await file.read(new Uint8Array(1), 0));
});

test("open() refuses a link that replaces the file while it is being opened", async () => {
  await using directory = await temporaryDirectory();
  const runtimeFs = await detectFs();
  const [path, other] = [directory.join("a"), directory.join("b")];
  for (const one of [path, other]) await writeFile(one, "text");
  const swap = async () => {
    await rename(path, directory.join("away"));
    await symlink(other, path);
  };
  let restore = () => {};
  if (own === "deno") {
    // Deno checks and opens in two steps; the others in one, without a moment between.
    const { lstat } = Deno;
    restore = replace(Deno, "lstat", async (asked) => {
      const info = await lstat(asked);
      await swap();
      return info;
    });
  } else await swap();
  try {
    assertEquals(await codeOf(() => runtimeFs.open(path, "read")), "ELOOP");
  } finally {
    restore();
  }
});

for (const how of ["missing", "fake"]) {
  test(`apply() is acknowledged again and again where setImmediate is ${how} from the start`, async () => {
    await using directory = await temporaryDirectory();
    assertEquals(await run(own, "strange_loop.ts", [directory.path, how]), 200);
  });
}

test("lock() fails with ENOENT when the directory doesn't exist", async () => {
  await using directory = await temporaryDirectory();
  const runtimeFs = await detectFs();
  assertEquals(await codeOf(() => runtimeFs.lock(directory.join("none", "lock"))), "ENOENT");
});

test("lock() fails and leaves the file closed when the system can't lock", async () => {
  await using directory = await temporaryDirectory();
  const runtimeFs = await detectFs();
  const path = directory.join("lock");
  const failure = Object.assign(new Error("no locks"), { code: "ENOLCK" });
  const restore = own === "deno"
    ? replace(Deno.FsFile.prototype, "tryLock", () => Promise.reject(failure))
    : searchProgramsIn(directory.path);
  try {
    // Bun calls the C library, which is there.
    if (own === "bun") await (await runtimeFs.lock(path))!.release();
    else {
      assertEquals(await codeOf(() => runtimeFs.lock(path)), "ENOLCK");
      assertEquals(await codeOf(() => runtimeFs.lockDirectory(directory.path)), "ENOLCK");
    }
  } finally {
    restore();
  }
  const lock = await runtimeFs.lock(path);
  await lock!.release();
});

test("lockByProgram() fails with ENOLCK when there is no program flock, or when it fails", async () => {
  await using directory = await temporaryDirectory();
  await mkdir(directory.join("bin"));
  const fd = fs.openSync(directory.join("lock"), "w");
  const restore = searchProgramsIn(directory.join("bin"));
  try {
    assertEquals(await codeOf(() => lockByProgram([fd])), "ENOLCK");
    const missing = await assertRejects(() => lockByProgram([fd]));
    // Not the lock service of a network file system: whoever reads it must learn what to install.
    assertStringIncludes(ioError("lock", "state", missing).message, "install util-linux");
    await writeFile(directory.join("bin", "flock"), "#!/bin/sh\nexit 71\n");
    await chmod(directory.join("bin", "flock"), 0o755);
    const error = await assertRejects(() => lockByProgram([fd]));
    assertEquals((error as Error).message.includes("ended with 71"), true);
    // Of a lock that is taken busybox makes a 1, and of a failure too, with a word about it.
    for (
      const [words, code] of [["Operation not supported", "ENOTSUP"], [
        "No locks",
        "ENOLCK",
      ]] as const
    ) {
      const says = `#!/bin/sh\necho "flock: ${words}" >&2\nexit 1\n`;
      await writeFile(directory.join("bin", "flock"), says);
      assertEquals(await codeOf(() => lockByProgram([fd])), code);
    }
    await writeFile(directory.join("bin", "flock"), "#!/bin/sh\nexit 1\n");
    assertEquals(await lockByProgram([fd]), false);
  } finally {
    restore();
    fs.closeSync(fd);
  }
});

/** Has the second lock that Deno takes fail, until the returned function is called. */
function failSecondLock(): () => void {
  let calls = 0;
  const { tryLock } = Deno.FsFile.prototype;
  return replace(Deno.FsFile.prototype, "tryLock", function (this: Deno.FsFile, ...given) {
    return ++calls === 2 ? Promise.reject(new Error("no lock")) : tryLock.apply(this, given);
  });
}

test("lockByProgram() fails with ENOLCK and the reason when no program can be started", async () => {
  await using directory = await temporaryDirectory();
  const [code, message] = await run("node", "lock_without_descriptors.ts", [directory.path]);
  assertEquals(code, "ENOLCK");
  assert(message.includes("EMFILE"), message);
});

test("lock() locks only the file where the directory can't be locked", async () => {
  await using directory = await temporaryDirectory();
  await mkdir(directory.join("bin"));
  const real = execFileSync("/bin/sh", ["-c", "command -v flock"], { encoding: "utf8" }).trim();
  // Descriptor 4 is the directory's.
  const program = `#!/bin/sh\ncase "$2" in 4) exit 71;; *) exec ${real} "$@";; esac\n`;
  await writeFile(directory.join("bin", "flock"), program, { mode: 0o755 });
  const restore = own === "deno" ? failSecondLock() : searchProgramsIn(directory.join("bin"));
  const runtimeFs = await detectFs();
  const path = directory.join("lock");
  try {
    // Bun calls the C library, which can lock any directory here: a descriptor that isn't open stands in for another.
    if (own === "bun") {
      const fd = fs.openSync(path, "w");
      assertEquals(await lockDescriptors([fd, -1]), true);
      assertEquals(await runtimeFs.lock(path), null);
      return fs.closeSync(fd);
    }
    const lock = await runtimeFs.lock(path, directory.path);
    assert(lock !== null);
    assertEquals(await runtimeFs.lock(path), null);
    await lock.release();
  } finally {
    restore();
  }
});

test("lockByCall() takes a free lock under Bun, and there is no library of another name", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("lock");
  const found = own === "bun"
    ? await (await import("../support/programs/call_flock.ts")).answers(path)
    : await run("bun", "call_flock.ts", [path]);
  assertEquals(found, [true, false, false]);
});

const withoutWarning = "--disable-warning=ExperimentalWarning";

test("lockByCall() does the same under Node without the warning, and fails with the reason", async () => {
  await using directory = await temporaryDirectory();
  const restore = setVariables({ NODE_OPTIONS: withoutWarning });
  try {
    assertEquals(await run("node", "call_flock.ts", [directory.join("lock")]), [
      true,
      false,
      false,
    ]);
    assertEquals(await run("node", "call_flock.ts", ["--refusal"]), "EBADF");
  } finally {
    restore();
  }
});

test("open() under Node without the warning needs no program flock, and says nothing", async () => {
  await using directory = await temporaryDirectory();
  const open = async () => {
    const { child, ended } = start("node", "open_state.ts", [directory.path]);
    child.stdin!.end();
    const { code, output, errors } = await ended;
    return [code, JSON.parse(output).code, errors];
  };
  for (const [NODE_OPTIONS, code] of [[withoutWarning, undefined], ["", "IO_FAILED"]] as const) {
    const restore = setVariables({ PATH: directory.path, NODE_NO_WARNINGS: "", NODE_OPTIONS });
    try {
      assertEquals(await open(), [0, code, ""]);
    } finally {
      restore();
    }
  }
});

test("findFlock() under Node loads nothing that would print a warning, and nothing that isn't there", () => {
  const loaded: string[] = [];
  const getBuiltinModule = (name: string) => void loaded.push(name);
  const silent = [
    { execArgv: [withoutWarning] },
    { execArgv: ["--disable-warning", "ExperimentalWarning", "--enable-source-maps"] },
    { env: { NODE_OPTIONS: "--max-old-space-size=64 --no-warnings" } },
    { env: { NODE_NO_WARNINGS: "1" } },
  ];
  for (const settings of silent) {
    assertEquals(findFlock({ execArgv: [], env: {}, getBuiltinModule, ...settings }), null);
  }
  assertEquals(loaded, silent.map(() => "node:ffi"));
  const loud = [
    {},
    { env: { NODE_NO_WARNINGS: "0", NODE_OPTIONS: "--no-warnings-please" } },
    { execArgv: ["--disable-warning=DeprecationWarning"] },
  ];
  for (const settings of loud) {
    assertEquals(findFlock({ execArgv: [], env: {}, getBuiltinModule, ...settings }), null);
  }
  assertEquals(loaded.length, silent.length);
  // Older than the function that loads it; or newer, with a module that has changed.
  assertEquals(findFlock({ execArgv: ["--no-warnings"], env: {} }), null);
  for (const flock of [() => 0, () => -1, () => Number("five")]) {
    const functions = { flock, __errno_location: () => 5n };
    const changed = { dlopen: () => ({ functions }), getInt32: () => 11 };
    const env = { NODE_NO_WARNINGS: "1" };
    assertEquals(findFlock({ execArgv: [], env, getBuiltinModule: () => changed }), null);
  }
});

test("interruption() aborts at the first signal, and the second ends the process", async () => {
  const cases = [["SIGINT", "SIGTERM", 143], ["SIGTERM", "SIGINT", 130]] as const;
  for (const [first, second, code] of cases) {
    const { child, onLine, ended } = start(own, "wait_for_interrupt.ts", []);
    const lines: string[] = [];
    onLine((line) => {
      lines.push(line);
      // Not child.kill(), which Deno's sends only once.
      process.kill(child.pid!, line === "ready" ? first : second);
    });
    assertEquals([(await ended).code, lines], [code, ["ready", first]]);
  }
});

test("a stream that fails or closes drops later writes, and says why unless its reader went away", async () => {
  const { stdout, stderr } = processTerminal();
  const closes = process.stderr.listeners("close").at(-1) as () => void;
  closes();
  await stderr.drained();
  const fails = process.stderr.listeners("error").at(-1) as (error: Error) => void;
  const failure = new Error("the terminal is on fire");
  fails(failure);
  assertEquals([stderr.closed, stderr.failure], [true, failure]);
  stderr.write("nobody reads this");
  assertEquals(stderr.pending, 0);
  const gone = process.stdout.listeners("error").at(-1) as (error: Error) => void;
  gone(Object.assign(new Error("broken pipe"), { code: "EPIPE" }));
  assertEquals([stdout.closed, stdout.failure], [true, null]);
});

test("read() and sizeOf() work on files, and stop when they are interrupted", async () => {
  await using directory = await temporaryDirectory();
  const terminal = processTerminal();
  const path = directory.join("a");
  await writeFile(path, "12345");
  assertEquals([await terminal.sizeOf(path), await terminal.sizeOf(directory.path)], [5, null]);
  const sizes: number[] = [];
  for await (const piece of terminal.read(path)) sizes.push(piece.length);
  for await (const piece of terminal.read(path, AbortSignal.abort())) sizes.push(piece.length);
  assertEquals(sizes, [5]);
});

test("the machine names its runtime, and resolves a name", async () => {
  await using directory = await temporaryDirectory();
  const machine = processMachine();
  assertEquals(machine.runtime.split(" ")[0]!.toLowerCase(), own);
  assertEquals(machine.architecture, process.arch);
  await writeFile(directory.join("file"), "text", { mode: 0o640 });
  await symlink("file", directory.join("link"));
  const { ino, uid } = fs.statSync(directory.join("file"));
  assertEquals(await machine.status(directory.join("file")), {
    kind: "file",
    owner: uid,
    mode: 0o640,
    inode: ino,
  });
  const kinds = [directory.path, directory.join("link"), "/dev/null"].map(machine.status);
  assertEquals((await Promise.all(kinds)).map(({ kind }) => kind), ["directory", "link", "other"]);
  assertEquals(new TextDecoder().decode(await machine.read(directory.join("link"))), "text");
  assertEquals(
    await machine.realPath(directory.join("link")),
    fs.realpathSync(directory.join("file")),
  );
  assertEquals(await codeOf(() => machine.read(directory.join("none"))), "ENOENT");
  assertEquals(await machine.userId(), uid);
  const { sizeFree, sizeTotal, inodesFree, inodesTotal } = await machine.space(directory.path);
  assertEquals([sizeFree > 0, sizeTotal >= sizeFree, inodesTotal >= inodesFree], [
    true,
    true,
    true,
  ]);
});

test("the machine fails with EPERM for what Deno refuses, and never makes Deno prompt", async () => {
  const machine = processMachine();
  let state = "prompt";
  const querySync = () => ({ state });
  const restoreQuery = own === "deno"
    ? replace(Deno.permissions, "querySync", querySync as never)
    : replace(globalThis, "Deno", { permissions: { querySync } } as never);
  try {
    assertEquals(await codeOf(() => machine.space("/")), "EPERM");
    assertEquals(await codeOf(() => machine.userId()), "EPERM");
    state = "granted";
    assertEquals(await machine.userId(), process.geteuid!());
  } finally {
    restoreQuery();
  }
  const refusal = Object.assign(new Error("Requires all access"), { name: "NotCapable" });
  const restoreRead = replace(fs.promises, "readFile", (() => Promise.reject(refusal)) as never);
  try {
    assertEquals(await codeOf(() => machine.read("/proc/version")), "EPERM");
  } finally {
    restoreRead();
  }
});

test("env() is not read where Deno would have to prompt", () => {
  const variable = "MINISTATE_TEST_VARIABLE";
  process.env[variable] = "set";
  const readable = processTerminal();
  assertEquals([readable.envReadable, readable.env(variable)], [true, "set"]);
  let granted = ["NO_COLOR", "FORCE_COLOR", "TERM", "CI"];
  const querySync = ({ variable = "" }) => ({
    state: granted.includes(variable) ? "granted" : "prompt",
  });
  const restore = own === "deno"
    ? replace(Deno.permissions, "querySync", querySync as never)
    : replace(globalThis, "Deno", { permissions: { querySync } } as never);
  try {
    const asking = processTerminal();
    assertEquals([asking.envReadable, asking.env(variable)], [false, undefined]);
    granted = [...granted, "MINISTATE_DEBUG"];
    assertEquals(processTerminal().envReadable, true);
  } finally {
    restore();
    delete process.env[variable];
  }
});
