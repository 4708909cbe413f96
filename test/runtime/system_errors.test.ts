// The failures of the operating system as each runtime really spells them: recorded ones everywhere, and where strace
// can have system calls fail, those of the running runtime, and what the library makes of them.

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { withCode } from "../../runtime/errno.ts";
import { fileName } from "../support/files.ts";
import { commandOf, own, programs } from "../support/runtimes.ts";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

interface Recorded {
  name: string;
  runtime: string;
  call: string;
  code?: string;
  errno?: number;
  message: string;
}

/** Printed by Deno 2.9.5, Bun 1.4.5 and Node 26.10.0 on Linux, each under strace with `fail_calls.ts`. */
const recorded = readFileSync(
  join(dirname(fileURLToPath(import.meta.url)), "system_errors.jsonl"),
  "utf8",
).trimEnd().split("\n").map((line) => JSON.parse(line) as Recorded);

test("named() gives every recorded error of a runtime its true name", () => {
  assertEquals(new Set(recorded.map(({ runtime }) => runtime)).size, 3);
  for (const { name, runtime, call, message, ...properties } of recorded) {
    const error = Object.assign(new Error(message), properties) as Error & { code?: string };
    assertEquals(withCode(error), error);
    assertEquals(error.code, name, `${call} under ${runtime}: ${message}`);
  }
});

/** Every errno that a decision depends on and that a write can fail with. A code has one name where Linux has two. */
const FAILURES: [injected: string, name: string][] = [
  ["EIO", "EIO"],
  ["ENOSPC", "ENOSPC"],
  ["EROFS", "EROFS"],
  ["ENOLCK", "ENOLCK"],
  ["EBADMSG", "EBADMSG"],
  ["EOPNOTSUPP", "ENOTSUP"],
  ["ESTALE", "ESTALE"],
  ["EUCLEAN", "EUCLEAN"],
  ["EDQUOT", "EDQUOT"],
  ["ENOMEDIUM", "ENOMEDIUM"],
];
const FULL = new Set(["ENOSPC", "EDQUOT"]);
const WRITE = "write,pwrite64";
const SYNC = "fdatasync";
const EVERY = `${WRITE},${SYNC},ftruncate,rename,renameat,renameat2`;

const strace = spawnSync("strace", ["-qq", "-o", "/dev/null", "--", "true"]);
const skip = strace.status === 0 ? false : "strace is not installed, or may not trace";

/** Runs a program under this runtime whose system calls on one file fail; gives the lines that it prints. */
function failing(program: string, args: string[], file: string, calls: string, how: string) {
  const [command, flags] = commandOf(own, join(programs, program));
  const inject = ["-P", file, "-e", `trace=${calls}`, "-e", `inject=${calls}:${how}`];
  const flagsOfStrace = ["-f", "-qq", "-o", "/dev/null", ...inject, "--"];
  const { stdout, stderr } = spawnSync("strace", [...flagsOfStrace, command, ...flags, ...args], {
    encoding: "utf8",
  });
  const lines = stdout.trimEnd().split("\n").filter((line) => /^[[{]/.test(line));
  assert(lines.length > 0, `${program} printed nothing: ${stderr}`);
  return lines.map((line) => JSON.parse(line));
}

for (const [injected, name] of FAILURES) {
  test(
    `a write, sync, truncation and rename that fail with ${injected} have its name`,
    { skip },
    async () => {
      await using directory = await temporaryDirectory();
      const path = directory.join("file");
      writeFileSync(path, "text");
      const lines = failing("fail_calls.ts", [path], path, EVERY, `error=${injected}`);
      assertEquals(
        lines.filter(({ by }) => by === "ours").map(({ call, code }) => `${call} ${code}`),
        [`write ${name}`, `sync ${name}`, `truncate ${name}`, `rename ${name}`],
      );
      // What the runtime says for itself is what was recorded of it; a new version may say it otherwise.
      const known = recorded.filter((one) => one.runtime === own && one.name === name);
      for (const { call, code, errno } of known) {
        const now = lines.find((line) => line.by === "runtime" && line.call === call);
        assertEquals([now.code, now.errno], [code, errno], `record ${call} anew`);
      }
    },
  );

  test(
    `writes that fail with ${injected} ${
      FULL.has(name) ? "are refused until they succeed" : "refuse the opening"
    }`,
    { skip },
    async () => {
      const { outcomes, opened } = await lived(WRITE, `error=${injected}:when=1`);
      if (!FULL.has(name)) return assertEquals([outcomes, opened], [[`IO_FAILED ${name}`], [1]]);
      const refused = outcomes.filter((outcome) => outcome !== "done");
      assert(refused.length > 0, outcomes.join());
      assertEquals(new Set(refused), new Set([`DISK_FULL ${name}`]));
      assertEquals([outcomes[0], outcomes.at(-1)], ["done", "done"]);
      assertEquals(opened.length, outcomes.length - refused.length);
    },
  );

  test(`a sync that fails with ${injected} ends all mutations`, { skip }, async () => {
    const { outcomes, opened } = await lived(SYNC, `error=${injected}:when=1`);
    const first = outcomes.findIndex((outcome) => outcome !== "done");
    assert(first > 0, outcomes.join());
    assertEquals(new Set(outcomes.slice(first)), new Set([`POISONED ${name}`]));
    // The one whose sync failed is open: the next process reads it.
    assertEquals(opened.length, first + 1);
  });
}

/** Calls that a signal can interrupt. Every other one is, so that making it once more is enough. */
const INTERRUPTED: [what: string, calls: string, path?: string][] = [
  ["writes", WRITE],
  ["syncs of data", SYNC],
  ["syncs", "fsync"],
  ["truncations", "ftruncate"],
  ["reads", "read,pread64,readv,preadv,preadv2"],
  ["openings", "open,openat,openat2"],
  ["syncs of the directory", "fsync", ""],
  ["locks of the directory", "flock", ""],
  ["locks of the file", "flock", "ministate.lock"],
];

for (const [what, calls, path] of INTERRUPTED) {
  test(`${what} are repeated when a signal interrupts them`, { skip }, async () => {
    const { outcomes, opened } = await lived(calls, "error=EINTR:when=1+2", path);
    assertEquals(new Set(outcomes), new Set(["done"]));
    assertEquals(opened.length, outcomes.length);
  });
}

/**
 * What a run whose calls on the journal fail printed, and what is in the state afterwards.
 *
 * @param name the file in the directory, or the directory itself, if it is not the first segment
 */
async function lived(calls: string, how: string, name = fileName("wal", 1)) {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openLedger(directory.path);
    await manager.apply(1);
  }
  const path = name === "" ? directory.path : directory.join(name);
  const [outcomes] = failing("fail_state.ts", [directory.path], path, calls, how);
  await using manager = await openLedger(directory.path);
  return { outcomes: outcomes as string[], opened: manager.snapshot().entries };
}
