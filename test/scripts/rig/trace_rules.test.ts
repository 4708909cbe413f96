// Tests the check of system calls on traces of a few lines, one for each way to keep or break a rule.

import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkTrace } from "../../../scripts/rig/trace_rules.ts";

/** The calls of one program, with `/t/data` for its folder; `S` is the state directory, `J` a segment. */
function check(...calls: string[]) {
  const trace = calls.map((call) =>
    /^\d/.test(call) ? call : `7 ${call.replaceAll("J", SEGMENT).replaceAll("S", STATE)}`
  );
  return checkTrace(trace.map((line) => `${line}\n`).join(""), "/t/data", "/t/said");
}

const STATE = "/t/data/state";
const SEGMENT = "S/board-0000000000000001.wal.jsonl";
const SECOND = "S/board-0000000000000004.wal.jsonl";
const SNAPSHOT = "S/board-0000000000000003.snapshot.jsonl";

const MAKE_STATE = ['mkdir("S", 0700) = 0', "fsync(4</t/data>) = 0"];
const make = (path: string) =>
  `openat(AT_FDCWD</home>, "${path}", O_RDWR|O_CREAT|O_EXCL, 0600) = 5<${path}>`;
const write = (path: string) => `pwrite64(5<${path}>, "[1,{\\"by\\":1}) = 7", 12, 0) = 12`;
const sync = (path: string) => `fdatasync(5<${path}>)    = 0`;
const ACK = `write(3</t/said>, "ack S 1\\n", 8) = 8`;
const SYNC_STATE = "fsync(6<S>) = 0";

const rulesOf = (...calls: string[]) => check(...calls).violations.map(({ rule }) => rule);

test("checkTrace() finds nothing when everything is synced before the acknowledgement", () => {
  const findings = check(...MAKE_STATE, make("J"), SYNC_STATE, write("J"), sync("J"), ACK);
  assertEquals(findings, { acknowledged: 1, removals: 0, violations: [] });
});

test("checkTrace() names rule, path and line when bytes were not synced", () => {
  const { violations } = check(...MAKE_STATE, make("J"), SYNC_STATE, write("J"), ACK, ACK);
  const path = SEGMENT.replace("S", STATE);
  assertEquals(violations[0], { rule: "bytes", path, line: 6 });
  assertEquals(violations.filter(({ rule }) => rule === "bytes").length, 1);
});

test("checkTrace() finds a sync that failed, or that came before the last write", () => {
  const failed = "fdatasync(5<J>) = -1 EIO (Input/output error)";
  const before = [...MAKE_STATE, make("J"), SYNC_STATE, write("J")];
  assertEquals(rulesOf(...before, failed, ACK), ["bytes"]);
  assertEquals(rulesOf(...before, sync("J"), write("J"), ACK), ["bytes"]);
});

test("checkTrace() finds a write that another thread made while the sync was under way", () => {
  const begun = `8 fdatasync(5<${SEGMENT.replace("S", STATE)}> <unfinished ...>`;
  const before = [...MAKE_STATE, make("J"), SYNC_STATE, write("J"), begun];
  assertEquals(rulesOf(...before, write("J"), "8 <... fdatasync resumed>) = 0", ACK), ["bytes"]);
  assertEquals(rulesOf(...before, "8 <... fdatasync resumed>) = 0", ACK), []);
  assertEquals(rulesOf(...before, ACK, "8 <... fdatasync resumed>) = 0"), ["bytes"]);
});

test("checkTrace() finds a directory that was not synced after a new name", () => {
  const works = [write("J"), sync("J"), ACK];
  assertEquals(rulesOf(...MAKE_STATE, make("J"), ...works), ["name"]);
  assertEquals(rulesOf('mkdir("S", 0700) = 0', make("J"), SYNC_STATE, ...works), ["name"]);
  const early = [...MAKE_STATE, SYNC_STATE, make("J"), ...works];
  assertEquals(rulesOf(...early), ["name"]);
});

test("checkTrace() finds a rename before the sync, and one that no directory sync follows", () => {
  const aside = [...MAKE_STATE, make("J.tmp"), write("J.tmp")];
  const rename = 'renameat2(AT_FDCWD</t>, "J.tmp", AT_FDCWD</t>, "data/state/x.json", 0) = 0';
  assertEquals(rulesOf(...aside, rename, sync("S/x.json"), SYNC_STATE, ACK), ["rename"]);
  assertEquals(rulesOf(...aside, sync("J.tmp"), rename, ACK), ["name"]);
  assertEquals(rulesOf(...aside, sync("J.tmp"), rename, SYNC_STATE, ACK), []);
});

test("checkTrace() ignores snapshots, and files that have no name yet", () => {
  const works = [...MAKE_STATE, make("J"), SYNC_STATE, write("J"), sync("J")];
  assertEquals(rulesOf(...works, make("S/x.tmp"), write("S/x.tmp"), ACK), []);
  assertEquals(rulesOf(...works, make(SNAPSHOT), ACK), []);
});

test("checkTrace() finds a segment that went before its snapshot was durable", () => {
  const segments = [...MAKE_STATE, make("J"), make(SECOND), SYNC_STATE];
  const aside = [make(`${SNAPSHOT}.tmp`), write(`${SNAPSHOT}.tmp`), sync(`${SNAPSHOT}.tmp`)];
  const named = [...aside, `rename("${SNAPSHOT}.tmp", "${SNAPSHOT}") = 0`];
  const remove = 'unlink("J") = 0';
  const kept = check(...segments, ...named, SYNC_STATE, remove);
  assertEquals(kept, { acknowledged: 0, removals: 1, violations: [] });
  assertEquals(rulesOf(...segments, ...named, remove), ["removal"]);
  assertEquals(rulesOf(...segments, remove), ["removal"]);
  // The snapshot is of sequence 3, and this segment goes beyond it.
  assertEquals(rulesOf(...segments, ...named, SYNC_STATE, `unlink("${SECOND}") = 0`), ["removal"]);
  assertEquals(rulesOf(...segments, ...named, SYNC_STATE, `unlink("${SNAPSHOT}") = 0`), [
    "removal",
  ]);
});

test("checkTrace() finds an acknowledgement before which nothing was written", () => {
  const works = [...MAKE_STATE, make("J"), SYNC_STATE, write("J"), sync("J"), ACK];
  assertEquals(rulesOf(...works, ACK), ["unseen"]);
});

test("checkTrace() passes over other files, other calls, and a last line that is cut short", () => {
  const others = ['write(1</dev/pts/0>, "x", 1) = 1', "+++ killed by SIGKILL +++"];
  assertEquals(check(...others).violations, []);
  const whole = `7 mkdir("${STATE}", 0700) = 0\n7 mkdi`;
  assertEquals(checkTrace(whole, "/t/data", "/t/said").violations, []);
  assertThrows(() => check("7: mkdir() = 0"), Error, "line 1");
});
