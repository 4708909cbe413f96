// Tests what `doctor` concludes from facts about other machines: mounts, devices, latencies, clocks, owners.

import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type AccessFacts, accessFindings, type OwnFile } from "../../../cli/doctor/access.ts";
import { clockFindings } from "../../../cli/doctor/clock.ts";
import { deviceFinding } from "../../../cli/doctor/device.ts";
import { isVolatile, placeFindings } from "../../../cli/doctor/file_system.ts";
import { ask, type DoctorFinding, shellText, worstOf } from "../../../cli/doctor/finding.ts";
import { isLocked, trialFinding, writerFinding } from "../../../cli/doctor/lock.ts";
import { optionFindings } from "../../../cli/doctor/mount_options.ts";
import { checkPassOf, type Mount, mountOf, parseMounts } from "../../../cli/doctor/mounts.ts";
import { pageSizeFrom, platformFindings } from "../../../cli/doctor/platform.ts";
import { spaceFindings } from "../../../cli/doctor/space.ts";
import { latencyFindings, latencyText, syncLatencyOf } from "../../../cli/doctor/sync_latency.ts";

const MIB = 1024 * 1024;
const HIDDEN = { unknown: "EPERM" };

function mount(type: string, options: string[] = ["rw"], source = "/dev/mmcblk0p2"): Mount {
  return { device: "179:2", point: "/", type, source, options };
}

/** The marks of the findings, by check. */
function marks(findings: DoctorFinding[]): string {
  return findings.map(({ check, mark }) => `${check}: ${mark}`).join(", ");
}

/** What warns must say what it means and what to do. */
function assertHelpful(findings: DoctorFinding[]): void {
  for (const { check, mark, meaning, advice } of findings) {
    if (mark !== "warning" && mark !== "problem") continue;
    assert(meaning && advice, `${check} warns without a meaning or an advice`);
    for (const text of [meaning, advice]) assertMatch(text, /^[^a-z](?!.*\.$)|^ch(mod|own)/);
  }
}

const MOUNTS = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw,data=ordered
30 27 8:1 / /media/usb\\040stick rw - vfat /dev/sda1 rw
31 27 0:23 / /run rw,nosuid - tmpfs tmpfs rw,size=1k
32 27 0:24 / /run rw - ramfs none rw
not a mount
`;

test("parseMounts() gives points without escapes, and the options of the mount and of the file system", () => {
  const mounts = parseMounts(MOUNTS);
  assertEquals(mounts.map(({ point }) => point), [
    "/proc",
    "/",
    "/media/usb stick",
    "/run",
    "/run",
  ]);
  assertEquals(mounts[1], {
    device: "179:2",
    point: "/",
    type: "ext4",
    source: "/dev/mmcblk0p2",
    options: ["rw", "noatime", "data=ordered"],
  });
});

test("mountOf() finds the deepest mount, and the topmost of several at one point", () => {
  const mounts = parseMounts(MOUNTS);
  const typeAt = (path: string) => mountOf(mounts, path)?.type;
  assertEquals(typeAt("/var/lib/state"), "ext4");
  assertEquals(typeAt("/media/usb stick/state"), "vfat");
  assertEquals(typeAt("/media/usb sticker"), "ext4");
  assertEquals(typeAt("/run"), "ramfs");
  assertEquals(mountOf([], "/"), null);
});

test("checkPassOf() reads the sixth field of the line that mounts there", () => {
  const fstab = "# /dev/x /data ext4 defaults 0 9\n\nPARTUUID=1 / ext4 defaults,noatime 0 1\n" +
    "/dev/sda1 /a\\040b ext4 defaults 0 0\n/dev/sda2 /short ext4\n";
  const passes = ["/", "/a b", "/short", "/data"].map((point) => checkPassOf(fstab, point));
  assertEquals(passes, [1, 0, 0, null]);
});

interface PlaceCase {
  name: string;
  path?: string;
  mounts: Mount[];
  fstab?: string;
  marks: string;
}

const inMemory = { ...mount("tmpfs", ["rw"], "tmpfs"), point: "/upper" };
const PLACES: PlaceCase[] = [
  {
    name: "ext4 that is checked at start",
    mounts: [mount("ext4")],
    fstab: "x / ext4 defaults 0 1",
    marks: "file system: ok, check at start: ok",
  },
  {
    name: "ext4 that is never checked",
    mounts: [mount("ext4")],
    fstab: "x / ext4 defaults 0 0",
    marks: "file system: ok, check at start: notice",
  },
  {
    name: "ext4 without a line",
    mounts: [mount("ext3")],
    marks: "file system: ok, check at start: notice",
  },
  { name: "ext2", mounts: [mount("ext2")], marks: "file system: warning, check at start: notice" },
  { name: "f2fs", mounts: [mount("f2fs")], marks: "file system: ok" },
  { name: "tmpfs", mounts: [mount("tmpfs")], marks: "file system: problem" },
  {
    name: "ext4 on zram",
    mounts: [mount("ext4", [], "/dev/zram1")],
    marks: "file system: problem",
  },
  { name: "NFS", mounts: [mount("nfs4")], marks: "file system: warning" },
  {
    name: "exFAT",
    mounts: [mount("exfat")],
    marks: "file system: warning, check at start: notice",
  },
  {
    name: "FAT that is checked",
    mounts: [mount("vfat")],
    fstab: "x / vfat defaults 0 2",
    marks: "file system: warning, check at start: ok",
  },
  { name: "NTFS", mounts: [mount("ntfs3")], marks: "file system: warning" },
  { name: "one that nobody knows", mounts: [mount("newfs")], marks: "file system: notice" },
  {
    name: "an overlay of unknown depth",
    mounts: [mount("overlay")],
    marks: "file system: warning",
  },
  {
    name: "an overlay in memory",
    mounts: [mount("overlay", ["upperdir=/upper/x"]), inMemory],
    marks: "file system: problem",
  },
  {
    name: "an overlay on a disk",
    mounts: [mount("overlay", ["upperdir=/disk"]), { ...mount("ext4"), point: "/disk" }],
    marks: "file system: warning",
  },
  {
    name: "an overlay without syncs",
    mounts: [mount("overlay", ["volatile"])],
    marks: "file system: problem",
  },
  { name: "no mount", mounts: [], marks: "file system: unknown" },
  {
    name: "a folder that is emptied",
    path: "/tmp/a",
    mounts: [mount("xfs")],
    marks: "file system: ok, place: warning",
  },
  {
    name: "a name that only begins alike",
    path: "/tmpfiles",
    mounts: [mount("xfs")],
    marks: "file system: ok",
  },
];

for (const { name, path = "/state", mounts, fstab, marks: wanted } of PLACES) {
  test(`placeFindings() judges ${name}: ${wanted}`, () => {
    const findings = placeFindings({ path, mounts, fstab: fstab ?? HIDDEN });
    assertEquals(marks(findings), wanted);
    assertHelpful(findings);
  });
}

test("placeFindings() still says that a folder is emptied when the mounts are hidden", () => {
  const findings = placeFindings({ path: "/run/user/1", mounts: HIDDEN, fstab: HIDDEN });
  assertEquals(marks(findings), "file system: unknown, place: warning");
  assertEquals(isVolatile(mount("ext4", [], "/dev/ram0")), true);
});

const OPTIONS: [string, DoctorFinding["mark"]][] = [
  ["noatime", "ok"],
  ["ro", "problem"],
  ["emergency_ro", "problem"],
  ["nobarrier", "problem"],
  ["barrier=0", "problem"],
  ["barrier=1", "ok"],
  ["data=writeback", "warning"],
  ["data=ordered", "ok"],
  ["errors=remount-ro", "ok"],
  ["fsync_mode=posix", "notice"],
  ["sync", "notice"],
  ["strictatime", "notice"],
  ["discard", "notice"],
  ["nodiscard", "ok"],
  ["commit=60", "notice"],
];

for (const [option, wanted] of OPTIONS) {
  test(`optionFindings() judges the option ${option}: ${wanted}`, () => {
    const findings = optionFindings(mount("ext4", ["rw", option]));
    assertEquals(findings.map(({ mark }) => mark), [wanted]);
    assertHelpful(findings);
  });
}

test("deviceFinding() says what each kind of cache means", () => {
  const found = (writeCache: string) => deviceFinding({ disk: "sda", writeCache }).found;
  assertStringIncludes(found("write back"), "sda: write back: each sync");
  assertStringIncludes(found("write through"), "no cache");
  assertEquals(deviceFinding(HIDDEN).mark, "unknown");
});

interface SpaceCase {
  name: string;
  freeMib: number;
  snapshotMib?: number;
  inodes?: [free: number, total: number];
  marks: string;
}

const SPACES: SpaceCase[] = [
  { name: "plenty", freeMib: 32, marks: "free space: ok, free inodes: ok" },
  { name: "just a segment", freeMib: 8, marks: "free space: warning, free inodes: ok" },
  { name: "less than a segment", freeMib: 7, marks: "free space: problem, free inodes: ok" },
  {
    name: "less than a segment and a snapshot",
    freeMib: 32,
    snapshotMib: 30,
    marks: "free space: problem, free inodes: ok",
  },
  {
    name: "few inodes",
    freeMib: 99,
    inodes: [1000, 9999],
    marks: "free space: ok, free inodes: warning",
  },
  {
    name: "no inodes",
    freeMib: 99,
    inodes: [3, 9999],
    marks: "free space: ok, free inodes: problem",
  },
  {
    name: "inodes as needed",
    freeMib: 99,
    inodes: [0, 0],
    marks: "free space: ok, free inodes: ok",
  },
];

for (const { name, freeMib, snapshotMib = 0, inodes = [5000, 9999], marks: wanted } of SPACES) {
  test(`spaceFindings() judges ${name}: ${wanted}`, () => {
    const [inodesFree, inodesTotal] = inodes;
    const space = { sizeFree: freeMib * MIB, sizeTotal: 100 * MIB, inodesFree, inodesTotal };
    const findings = spaceFindings(space, snapshotMib * MIB);
    assertEquals(marks(findings), wanted);
    assertHelpful(findings);
  });
}

test("spaceFindings() leaves out what is hidden", () => {
  assertEquals(marks(spaceFindings(HIDDEN, 0)), "free space: unknown");
});

test("clockFindings() judges a clock by the version, by the newest record, and by its chip", () => {
  const now = Date.UTC(2027, 1, 1);
  const judge = (facts: Partial<Parameters<typeof clockFindings>[0]>) =>
    marks(clockFindings({ now, rtc: "rpi-rtc", newest: null, ...facts }));
  assertEquals(judge({}), "clock: ok, clock chip: ok");
  assertEquals(judge({ newest: now - 1 }), "clock: ok, clock chip: ok");
  assertEquals(judge({ newest: now + 1 }), "clock: notice, clock chip: ok");
  assertEquals(judge({ now: 1000 }), "clock: notice, clock chip: ok");
  assertEquals(judge({ rtc: { unknown: "ENOENT" } }), "clock: ok, clock chip: notice");
  assertEquals(judge({ rtc: HIDDEN }), "clock: ok, clock chip: unknown");
});

test("pageSizeFrom() reads words of eight bytes, and of four on 32-bit machines", () => {
  const auxv = (wordSize: number, pairs: number[]) => {
    const view = new DataView(new ArrayBuffer(pairs.length * wordSize));
    pairs.forEach((word, i) => view.setUint32(i * wordSize, word, true));
    return new Uint8Array(view.buffer);
  };
  assertEquals(pageSizeFrom(auxv(8, [16, 6, 6, 16384, 0, 0]), "arm64"), 16384);
  assertEquals(pageSizeFrom(auxv(4, [16, 6, 6, 4096, 0, 0]), "arm"), 4096);
  assertEquals(pageSizeFrom(auxv(8, [16, 6]), "arm64"), null);
});

test("platformFindings() names the board, and the Raspberry Pi 5 by its pages", () => {
  const facts = {
    runtime: "Deno 2.9.5",
    architecture: "arm64",
    model: "Raspberry Pi 5 Model B",
    pageSize: 16384,
    kernel: "6.12.34",
  };
  const findings = platformFindings(facts);
  assertEquals(marks(findings), "machine: ok, page size: notice, kernel: ok, runtime: ok");
  assertEquals(findings[0]!.found, "Raspberry Pi 5 Model B, arm64");
  assertEquals(findings[1]!.found, "16 KiB, as on a Raspberry Pi 5");
  assertEquals(platformFindings({ ...facts, pageSize: 65536 })[1]!.found, "64 KiB");
  const hidden = platformFindings({ ...facts, model: HIDDEN, pageSize: HIDDEN, kernel: HIDDEN });
  assertEquals(marks(hidden), "machine: ok, page size: unknown, kernel: unknown, runtime: ok");
  assertEquals(platformFindings({ ...facts, pageSize: null })[1]!.mark, "unknown");
});

test("syncLatencyOf() gives latencies that occurred, by nearest rank", () => {
  const latencies = Array.from({ length: 200 }, (_, i) => 200 - i);
  const { rounds, p50Ms, p90Ms, p99Ms, maxMs } = syncLatencyOf(latencies, 0)!;
  assertEquals([rounds, p50Ms, p90Ms, p99Ms, maxMs], [200, 100, 180, 198, 200]);
  assertEquals(syncLatencyOf([7], 0)!.p99Ms, 7);
  assertEquals(syncLatencyOf([], 0), null);
});

const LATENCIES: [p50Ms: number, disk: string | null, mark: DoctorFinding["mark"], says: string][] =
  [
    [
      0.04,
      "mmcblk0",
      "warning",
      "acknowledges a sync in 40 µs, and no flash writes that fast: it lies",
    ],
    [0.04, "vda", "notice", "or it is a virtual disk"],
    [0.04, null, "notice", "or it has a capacitor"],
    [0.5, "mmcblk0", "ok", "Like an SSD, eMMC or a good card"],
    [
      5,
      "mmcblk0",
      "ok",
      "typical SD card: a mutation that waits alone waits 5.0 ms, which makes 200 a second",
    ],
    [40, "mmcblk0", "notice", "Slow: a mutation"],
    [400, "mmcblk0", "warning", "Slow: a mutation that waits alone waits 400 ms"],
  ];

for (const [p50Ms, disk, mark, says] of LATENCIES) {
  test(`latencyFindings() judges a median of ${p50Ms} ms on ${disk}: ${mark}`, () => {
    const findings = latencyFindings(syncLatencyOf([p50Ms, p50Ms], 8192)!, disk);
    assertEquals(marks(findings), `syncs: ${mark}`);
    assertStringIncludes(findings[0]!.meaning!, says);
    assertStringIncludes(findings[0]!.found, "2 rounds of 4 KiB; 8.0 KiB were written");
    assertHelpful(findings);
  });
}

test("latencyFindings() warns of one stall among fast syncs", () => {
  const findings = latencyFindings(syncLatencyOf([3, 3, 3, 1500], 0)!, "mmcblk0");
  assertEquals(marks(findings), "syncs: ok, sync stalls: warning");
  assertHelpful(findings);
});

test("latencyText() chooses the unit", () => {
  const texts = [0.0405, 0.9, 3.14, 47.2, 2500].map(latencyText);
  assertEquals(texts, ["41 µs", "900 µs", "3.1 ms", "47 ms", "2.5 s"]);
});

const LOCKS = `1: FLOCK  ADVISORY  WRITE 812 b3:02:4711 0 EOF
2: POSIX  ADVISORY  WRITE 813 b3:02:4712 0 EOF
`;

test("isLocked() compares the kind, the file system and the file", () => {
  assertEquals(isLocked(LOCKS, "179:2", 4711), true);
  assertEquals(isLocked(LOCKS, "179:3", 4711), false);
  assertEquals(isLocked(LOCKS, "179:2", 4712), false, "another kind of lock");
  assertEquals(isLocked("", "179:2", 4711), false);
});

test("writerFinding() and trialFinding() say who writes, and whether locks work", () => {
  assertStringIncludes(writerFinding(true, "a b/lock").found, "\"fuser 'a b/lock'\"");
  assertEquals(writerFinding(HIDDEN, "").mark, "unknown");
  const shared = trialFinding("shared", "state");
  assertEquals(shared.mark, "problem");
  assertHelpful([shared]);
});

const OWNED: AccessFacts = {
  directory: "state",
  status: { kind: "directory", owner: 1000, mode: 0o700, inode: 1 },
  files: [{ name: "ministate.lock", status: { kind: "file", owner: 1000, mode: 0o600, inode: 2 } }],
  userId: 1000,
  ownerless: false,
};

/** Files of ours with these owners, modes, kinds. */
function files(...all: [owner: number, mode: number, kind?: "link" | "other"][]): OwnFile[] {
  return all.map(([owner, mode, kind], i) => ({
    name: `test-${i}`,
    status: { kind: kind ?? "file", owner, mode, inode: i },
  }));
}

const ACCESS: { name: string; facts: Partial<AccessFacts>; marks: string }[] = [
  { name: "one owner", facts: {}, marks: "directory: ok, files: ok" },
  { name: "no files", facts: { files: [] }, marks: "directory: ok" },
  { name: "an unknown user", facts: { userId: HIDDEN }, marks: "directory: ok, files: ok" },
  {
    name: "hidden facts",
    facts: { status: HIDDEN, files: HIDDEN },
    marks: "directory: unknown, files: unknown",
  },
  { name: "root's visit", facts: { userId: 0 }, marks: "directory: notice, files: notice" },
  { name: "a stranger's visit", facts: { userId: 7 }, marks: "directory: warning, files: warning" },
  {
    name: "files of two users",
    facts: { files: files([1000, 0o600], [0, 0o600]) },
    marks: "directory: ok, files: warning",
  },
  {
    name: "open files",
    facts: { files: files([1000, 0o644], [1000, 0o600]) },
    marks: "directory: ok, files: warning",
  },
  {
    name: "a link and a device",
    facts: { files: files([0, 0o777, "link"], [0, 0o666, "other"]) },
    marks: "directory: ok, files: problem",
  },
  {
    name: "a file system without owners",
    facts: { ownerless: true, files: files([0, 0o755]) },
    marks: "files: ok",
  },
  {
    name: "a directory that others see",
    facts: { status: { kind: "directory", owner: 1000, mode: 0o755, inode: 1 } },
    marks: "directory: notice, files: ok",
  },
  {
    name: "a directory that others write",
    facts: { status: { kind: "directory", owner: 1000, mode: 0o770, inode: 1 } },
    marks: "directory: warning, files: ok",
  },
];

for (const { name, facts, marks: wanted } of ACCESS) {
  test(`accessFindings() judges ${name}: ${wanted}`, () => {
    const findings = accessFindings({ ...OWNED, ...facts });
    assertEquals(marks(findings), wanted);
    assertHelpful(findings);
  });
}

test("accessFindings() shows three names and counts the rest", () => {
  const open = files([1000, 0o644], [1000, 0o644], [1000, 0o644], [1000, 0o644]);
  const [, finding] = accessFindings({ ...OWNED, files: open });
  assertEquals(finding!.found, "test-0, test-1, test-2 and 1 more: mode 0644");
});

test("ask() turns only a refusal by the system into a fact", async () => {
  const refused = Object.assign(new Error("no"), { code: "EACCES" });
  assertEquals(await ask(() => Promise.reject(refused)), { unknown: "EACCES" });
  let thrown: unknown;
  await ask(() => Promise.reject(new TypeError("a bug"))).catch((error) => thrown = error);
  assert(thrown instanceof TypeError);
});

test("worstOf() is ok without findings, and shellText() quotes what a shell would split", () => {
  assertEquals(worstOf([]), "ok");
  assertEquals([shellText("a/b-c.d"), shellText("it's")], ["a/b-c.d", "'it'\\''s'"]);
});
