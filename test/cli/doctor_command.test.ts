// Tests `doctor` as a whole: on this machine, and on simulated machines, disks and states.

import {
  appendFile,
  chmod,
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { processMachine } from "../../cli/process/machine.ts";
import type { Machine } from "../../cli/machine.ts";
import { openLedger } from "../support/samples.ts";
import { lockFileRefused } from "../support/rotten_lock.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";
import { begin, ministate } from "../support/command.ts";
import { runHere, type Setting } from "../support/command_in_process.ts";

interface Report {
  verdict: string;
  examined: string;
  exists: boolean;
  // deno-lint-ignore no-explicit-any -- each test knows what it looks for
  facts: any;
  findings: { check: string; mark: string; found: string; meaning?: string; advice?: string }[];
}

/** A machine on which all is well, with the names and files of this one. */
function soundMachine(files: Record<string, string> = {}): Machine {
  const known: Record<string, string> = {
    "/proc/self/mountinfo": "27 1 179:2 / / rw,noatime - ext4 /dev/mmcblk0p2 rw\n",
    "/proc/device-tree/model": "Raspberry Pi 4 Model B\0",
    "/proc/self/auxv": String.fromCharCode(6, ...Array(8).fill(0), 16, ...Array(6).fill(0)),
    "/proc/sys/kernel/osrelease": "6.12.34-rpi\n",
    "/etc/fstab": "/dev/mmcblk0p2 / ext4 defaults,noatime 0 1\n",
    "/sys/class/rtc/rtc0/name": "rtc-ds1307\n",
    "/sys/block/mmcblk0/queue/write_cache": "write through\n",
    "/proc/locks": "",
    ...files,
  };
  const links: Record<string, string> = {
    "/sys/dev/block/179:2": "/sys/block/mmcblk0/mmcblk0p2",
    "/sys/class/block/mmcblk0p2": "/sys/block/mmcblk0/mmcblk0p2",
  };
  const machine = processMachine();
  return {
    ...machine,
    runtime: "Node 26.0.0",
    architecture: "arm64",
    now: () => Date.UTC(2030, 0, 1),
    read(path) {
      const text = known[path];
      return text === undefined
        ? Promise.reject(systemError("ENOENT"))
        : Promise.resolve(new TextEncoder().encode(text));
    },
    realPath: (path) =>
      links[path] === undefined ? machine.realPath(path) : Promise.resolve(links[path]),
    space: () =>
      Promise.resolve({ sizeFree: 2 ** 30, sizeTotal: 2 ** 31, inodesFree: 1e5, inodesTotal: 1e6 }),
  };
}

async function reportOf(directory: string, setting: Setting, ...args: string[]) {
  const { code, output, errors } = await runHere(["doctor", directory, "--json", ...args], setting);
  assertEquals(errors, "");
  return { code, report: JSON.parse(output) as Report };
}

/**
 * Interrupts a process, unless it has ended. Not child.kill(): under Deno, a process that then ends by itself with
 * an exit code is reported as ended by the signal.
 */
function interrupt(pid: number): void {
  try {
    process.kill(pid, "SIGINT");
  } catch (error) {
    if ((error as { code?: string }).code !== "ESRCH") throw error;
  }
}

/** What was found by one check. */
function foundBy({ findings }: Report, check: string): string[] {
  return findings.filter((one) => one.check === check).map(({ mark, found }) =>
    `${mark}: ${found}`
  );
}

test("doctor examines this machine, leaves nothing behind, and exits as the worst finding says", async () => {
  await using directory = await temporaryDirectory();
  const { code, output, errors } = await ministate("doctor", directory.path);
  assertMatch(output, /\n(ok|notice|unknown) {2,}page size {2,}/);
  assertMatch(output, /\nok {7}locking +files can be made and locked\n/);
  assertMatch(output, /\n\d problems?, \d warnings?(, \d+ notices?)?\n$/);
  assertEquals(code, /^problem/m.test(output) ? 2 : /^warning/m.test(output) ? 1 : 0);
  assertEquals(errors, "Writes up to 1.6 MiB to time syncs …\n");
  assertEquals(await readdir(directory.path), []);
});

test("doctor under Deno without access to the machine says what it can't find out, and works", async () => {
  await using directory = await temporaryDirectory();
  const { output } = await ministate("doctor", directory.path, "--json");
  const report: Report = JSON.parse(output);
  const refused = report.findings.filter(({ mark }) => mark === "unknown");
  const findings = foundBy(report, "access").length;
  assertEquals(findings, refused.some(({ found }) => found.includes("EPERM")) ? 1 : 0);
});

test("doctor on a sound machine with a sound state finds only that it is below /tmp", async () => {
  await using directory = await temporaryDirectory();
  await runHere(["set", directory.path, "/a", "1"]);
  const { report } = await reportOf(directory.path, { machine: soundMachine() });
  const other = report.findings.filter(({ mark, check }) =>
    mark !== "ok" && !["place", "syncs"].includes(check)
  );
  assertEquals(other, []);
  assertStringIncludes(
    foundBy(report, "state")[0]!,
    "ok: sound: 1 segment, 0 snapshots, up to sequence 1",
  );
  assertStringIncludes(foundBy(report, "write cache")[0]!, "mmcblk0: write through");
  const { pageSize, mount, device, space, sync } = report.facts;
  assertEquals([pageSize, mount.type, device.disk, space.sizeTotal], [
    4096,
    "ext4",
    "mmcblk0",
    2 ** 31,
  ]);
  assertEquals(sync.sizeWritten, (200 + sync.rounds) * 4096);
  assertEquals(report.exists, true);
});

test("doctor --no-sync-test writes nothing but an empty file, and says so", async () => {
  await using directory = await temporaryDirectory();
  const fs = await wrapFs(({ name }) => {
    if (name !== "remove") throw new Error(`there was a ${name}`);
  });
  const { report } = await reportOf(
    directory.path,
    { fs, machine: soundMachine() },
    "--no-sync-test",
  );
  assertEquals(foundBy(report, "syncs"), ["unknown: not tried: it was left out"]);
  assertEquals([report.facts.sync, await readdir(directory.path)], [null, []]);
});

test("doctor on a missing directory examines the one above it, and creates nothing", async () => {
  await using directory = await temporaryDirectory();
  const { report } = await reportOf(directory.join("a", "b"), { machine: soundMachine() });
  assertEquals([report.exists, await readdir(directory.path)], [false, []]);
  assertMatch(foundBy(report, "directory")[0]!, /^notice: there is no ".*\/a\/b" yet$/);
  assertEquals(foundBy(report, "state"), []);
  const relative = await reportOf(
    "ministate-nowhere",
    { machine: soundMachine() },
    "--no-sync-test",
  );
  assertEquals(relative.report.exists, false);
});

test("doctor refuses a file in place of the directory, and a path that it may not look at", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(directory.join("file"), "");
  const machine = { ...soundMachine(), realPath: () => Promise.reject(systemError("EACCES")) };
  for (const [setting, code] of [[{}, "ENOTDIR"], [{ machine }, "EACCES"]] as const) {
    const refused = await runHere(["doctor", directory.join("file"), "--json"], setting);
    assertEquals([refused.code, JSON.parse(refused.errors).error.systemCode], [5, code]);
  }
  // As in a working directory that was deleted.
  const nowhere = { ...soundMachine(), realPath: () => Promise.reject(systemError("ENOENT")) };
  for (const path of ["a", "./"]) {
    const refused = await runHere(["doctor", path, "--json"], { machine: nowhere });
    assertEquals([refused.code, JSON.parse(refused.errors).error.systemCode], [5, "ENOENT"], path);
  }
});

test("doctor colours marks for a person", async () => {
  await using directory = await temporaryDirectory();
  const machine = soundMachine({ "/proc/self/mountinfo": "27 1 0:2 / / ro - tmpfs tmpfs rw\n" });
  const { code, output } = await runHere(["doctor", directory.path], { person: true, machine });
  assertEquals(code, 2);
  assertStringIncludes(output, "\x1b[31mproblem\x1b[39m  \x1b[1mfile system");
  assertStringIncludes(output, "\x1b[32mok     \x1b[39m");
  assertStringIncludes(output, "not tried: memory has nothing to sync");
});

test("doctor warns of another user's lock file, of files that others may change, and of links", async () => {
  await using directory = await temporaryDirectory();
  await runHere(["set", directory.path, "/a", "1"]);
  const { inode } = await processMachine().status(directory.join("ministate.lock"));
  const locks = `1: FLOCK  ADVISORY  WRITE 1 b3:02:${inode} 0 EOF\n`;
  const machine = soundMachine({ "/proc/locks": locks });
  await chmod(directory.join("ministate.lock"), 0o666);
  await symlink("nowhere", directory.join("quarantine"));
  await writeFile(directory.join("ministate-doctor-1.tmp"), "");
  const { report, code } = await reportOf(directory.path, { machine }, "--no-sync-test");
  assertEquals([code, report.verdict], [2, "problem"]);
  assertMatch(foundBy(report, "writer")[0]!, /a process has it open/);
  assertMatch(
    foundBy(report, "files").join(),
    /^problem: quarantine: a sym.*,warning: ministate.lock: mode 0666/,
  );
  assertEquals(foundBy(report, "left over"), ["notice: ministate-doctor-1.tmp"]);
});

for (const code of ["EBADMSG", "EUCLEAN", "EIO"]) {
  test(`doctor warns of a lock file that gives ${code}, and sees who holds only the directory`, async () => {
    await using directory = await temporaryDirectory();
    await runHere(["set", directory.path, "/a", "1"]);
    const { inode } = await processMachine().status(directory.path);
    const sound = soundMachine({
      "/proc/locks": `1: FLOCK  ADVISORY  WRITE 1 b3:02:${inode} 0 EOF\n`,
    });
    const machine: Machine = {
      ...sound,
      status: (path) =>
        path.endsWith(".lock") ? Promise.reject(systemError(code)) : sound.status(path),
    };
    const { fs } = await lockFileRefused(code);
    const { report, code: exit } = await reportOf(
      directory.path,
      { machine, fs },
      "--no-sync-test",
    );
    assertEquals([exit, report.verdict], [1, "warning"]);
    assertEquals(
      foundBy(report, "files")[0],
      `warning: ministate.lock can't be accessed (${code})`,
    );
    assertMatch(foundBy(report, "writer")[0]!, /a process has it open/);
  });
}

test("doctor reports a torn tail as a notice, and damage as a problem that verify explains", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, {
    compaction: "manual",
    clock: () => 2e12,
  });
  for (let i = 1; i <= 3; i++) await manager.apply({ number: i });
  await manager.close();
  const setting = { machine: soundMachine() };
  const path = directory.join(
    (await readdir(directory.path)).find((name) => name.endsWith(".wal.jsonl"))!,
  );
  const text = await readFile(path, "utf8");
  const look = async () => (await reportOf(directory.path, setting, "--no-sync-test")).report;
  assertMatch(
    foundBy(await look(), "clock")[0]!,
    /^notice: .*earlier than the newest record \(2033/,
  );
  await appendFile(path, "[4,{to");
  assertMatch(foundBy(await look(), "state")[0]!, /^notice: torn: /);
  await writeFile(path, text.replace('"number":1', '"number":7'));
  const damaged = await look();
  assertMatch(foundBy(damaged, "state")[0]!, /^problem: corrupt: /);
  assertMatch(
    damaged.findings.find(({ check }) => check === "state")!.meaning!,
    /next open will refuse/,
  );
  await rm(path);
  await symlink("nowhere", path);
  assertMatch(foundBy(await look(), "state")[0]!, /^problem: Cannot .*ELOOP/);
});

test("doctor reports damage that costs nothing, and estimates the space from a snapshot's size", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { compaction: "manual" });
  for (let i = 1; i <= 2; i++) {
    await manager.apply({ number: i });
    await manager.createSnapshot();
  }
  await manager.compact();
  await manager.close();
  const [older] = (await readdir(directory.path)).filter((name) => name.endsWith(".snapshot.jsonl"))
    .sort();
  const text = await readFile(directory.join(older!), "utf8");
  await writeFile(directory.join(older!), text.replace('"number":1', '"number":7'));
  const { report } = await reportOf(directory.path, { machine: soundMachine() }, "--no-sync-test");
  assertMatch(report.findings.find(({ check }) => check === "state")!.meaning!, /nothing is lost/);
});

test("doctor doesn't know the newest time when the last record is only in a snapshot, or there is none", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, {
    compaction: "manual",
    clock: () => 2e12,
  });
  const setting = { machine: soundMachine() };
  const clock = async () => {
    const { report } = await reportOf(directory.path, setting, "--no-sync-test");
    return foundBy(report, "clock")[0]!;
  };
  assertMatch(await clock(), /^ok: /);
  await manager.apply({ number: 1 });
  assertMatch(await clock(), /^notice: .*earlier than/);
  await manager.createSnapshot();
  await manager.close();
  await rm(directory.join("test-0000000000000001.wal.jsonl"));
  assertMatch(await clock(), /^ok: /);
});

test("doctor rethrows anything that is not a failure of the system while it inspects", async () => {
  await using directory = await temporaryDirectory();
  await runHere(["set", directory.path, "/a", "1"]);
  const list = () => Promise.resolve([null as never]);
  const fs = { ...await wrapFs(() => {}), list };
  assertEquals((await runHere(["doctor", directory.path], { fs })).code, 70);
});

test("doctor reports a directory that can't be written or locked, and leaves nothing there", async () => {
  await using directory = await temporaryDirectory();
  const fs = await wrapFs(() => {});
  const refusing = { ...fs, lock: () => Promise.reject(systemError("EROFS")) };
  const refused = await reportOf(directory.path, { fs: refusing, machine: soundMachine() });
  assertMatch(foundBy(refused.report, "locking")[0]!, /^problem: Cannot make and lock .*EROFS/);
  assertEquals([refused.code, foundBy(refused.report, "syncs")], [2, []]);
  const release = () => {};
  const lax = {
    ...fs,
    lock: async (path: string) => {
      await writeFile(path, "");
      return { release, identity: () => fs.identity(path) };
    },
  };
  const shared = await reportOf(
    directory.path,
    { fs: lax, machine: soundMachine() },
    "--no-sync-test",
  );
  assertEquals(foundBy(shared.report, "locking"), ["problem: flock lets two holders in at once"]);
  const broken = { ...fs, lock: () => Promise.reject(new TypeError("a bug")) };
  assertEquals((await runHere(["doctor", directory.path], { fs: broken })).code, 70);
  assertEquals(await readdir(directory.path), []);
});

test("doctor reports a sync that fails, removes its file, and rethrows errors of ours", async () => {
  await using directory = await temporaryDirectory();
  const machine = soundMachine();
  const fail = (error: Error) =>
    wrapFs(({ name }) => {
      if (name === "syncData") throw error;
    });
  const { code, report } = await reportOf(directory.path, {
    fs: await fail(systemError("EIO")),
    machine,
  });
  assertMatch(foundBy(report, "syncs")[0]!, /^problem: Cannot sync a file in .*EIO/);
  assertEquals(code, 2);
  const bug = await runHere(["doctor", directory.path], {
    fs: await fail(new TypeError("a bug")),
    machine,
  });
  assertEquals(bug.code, 70);
  assertEquals(await readdir(directory.path), []);
});

test("doctor tries no sync where its file would fill the disk", async () => {
  await using directory = await temporaryDirectory();
  const space = () =>
    Promise.resolve({ sizeFree: 2 ** 20, sizeTotal: 2 ** 31, inodesFree: 1e5, inodesTotal: 1e6 });
  const { report } = await reportOf(directory.path, { machine: { ...soundMachine(), space } });
  assertEquals(foundBy(report, "syncs"), ["unknown: not tried: there is too little space"]);
});

test("doctor stops timing syncs after a bounded time, and says how many it made", async () => {
  await using directory = await temporaryDirectory();
  let count = 0;
  const fs = await wrapFs(async ({ name }) => {
    if (name === "syncData" && ++count > 2) {
      await pause(2600);
    }
  });
  const { report } = await reportOf(directory.path, { fs, machine: soundMachine() });
  // Four, or three on a busy machine.
  assert(report.facts.sync.rounds >= 3 && report.facts.sync.rounds <= 4);
  assertMatch(foundBy(report, "sync stalls")[0]!, /^warning: one took [2-9]\.\d s/);
});

test("doctor that is interrupted cleans up and exits as a shell expects", async () => {
  await using directory = await temporaryDirectory();
  const interrupted = { interruption: AbortSignal.abort("SIGTERM"), machine: soundMachine() };
  const { code, output } = await runHere(["doctor", directory.path], interrupted);
  assertEquals([code, output], [143, ""]);
  const { child, ended } = begin("doctor", directory.path);
  while (child.exitCode === null && (await readdir(directory.path)).length === 0) await pause(2);
  interrupt(child.pid!);
  // On a fast disk it may be over by then.
  assertMatch(String((await ended).code), /^(130|[012])$/);
  assertEquals(await readdir(directory.path), []);
});

test("doctor finds the device of a file system without its own number by its source, or not at all", async () => {
  await using directory = await temporaryDirectory();
  await mkdir(directory.join("state"));
  const on = async (source: string, files: Record<string, string> = {}) => {
    const line = `27 1 0:31 / / rw - btrfs ${source} rw\n`;
    const machine = soundMachine({ "/proc/self/mountinfo": line, ...files });
    const { report } = await reportOf(directory.join("state"), { machine }, "--no-sync-test");
    return foundBy(report, "write cache")[0]!;
  };
  assertMatch(await on("/dev/mmcblk0p2"), /^ok: mmcblk0: /);
  assertMatch(await on("/dev/none"), /^unknown: .*ENOENT/);
  const uncached = { "/sys/block/mmcblk0/queue/write_cache": undefined as unknown as string };
  assertMatch(await on("/dev/mmcblk0p2", uncached), /^unknown: .*ENOENT/);
});

test("doctor continues when files disappear, and when nothing can be listed or looked up", async () => {
  await using directory = await temporaryDirectory();
  await runHere(["set", directory.path, "/a", "1"]);
  const sound = soundMachine();
  const machine: Machine = {
    ...sound,
    status: (path) =>
      path.endsWith(".jsonl") ? Promise.reject(systemError("ENOENT")) : sound.status(path),
  };
  const gone = await reportOf(directory.path, { machine }, "--no-sync-test");
  assertEquals(foundBy(gone.report, "files"), ["ok: 1, for their owner alone"]);
  const fs = { ...await wrapFs(() => {}), list: () => Promise.reject(systemError("EACCES")) };
  const hidden = await reportOf(directory.path, { fs, machine: sound }, "--no-sync-test");
  assertMatch(foundBy(hidden.report, "state")[0]!, /^problem: Cannot list .*EACCES/);
  assertMatch(foundBy(hidden.report, "writer")[0]!, /^unknown: .*EACCES/);
  const unpaged = soundMachine({ "/proc/self/auxv": undefined as unknown as string });
  const { report } = await reportOf(directory.path, { machine: unpaged }, "--no-sync-test");
  assertMatch(foundBy(report, "page size")[0]!, /^unknown: .*ENOENT/);
  for (const path of ["/proc/locks", "/proc/self/mountinfo"]) {
    const blind = soundMachine({ [path]: undefined as unknown as string });
    const { report } = await reportOf(directory.path, { machine: blind }, "--no-sync-test");
    assertMatch(foundBy(report, "writer")[0]!, /^unknown: .*ENOENT/);
  }
});
