/**
 * Collects from the machine the facts that findings are based on.
 *
 * @module
 */

import type { DurableFs } from "../../src/durable_fs.ts";
import { isOwnName, joinPath, LOCK_NAME } from "../../src/disk/names.ts";
import type { Machine, PathStatus } from "../machine.ts";
import type { OwnFile } from "./access.ts";
import { ask, type Fact, isUnknown, valueOrNull } from "./finding.ts";
import { isLocked } from "./lock.ts";
import type { Mount } from "./mounts.ts";
import { pageSizeFrom, type PlatformFacts } from "./platform.ts";

/** The text of a small file. */
export async function textOf(machine: Machine, path: string): Promise<string> {
  // Texts from the device tree end with a zero byte, those from the kernel with a line feed.
  return new TextDecoder().decode(await machine.read(path)).replace(/[\0\n]$/, "");
}

/** The facts about the machine. */
export async function platformFacts(machine: Machine): Promise<PlatformFacts> {
  const { runtime, architecture } = machine;
  const auxv = await ask(() => machine.read("/proc/self/auxv"));
  return {
    runtime,
    architecture,
    model: await ask(() => textOf(machine, "/proc/device-tree/model")),
    pageSize: isUnknown(auxv) ? auxv : pageSizeFrom(auxv, architecture),
    kernel: await ask(() => textOf(machine, "/proc/sys/kernel/osrelease")),
  };
}

/** The names in a directory. */
export function namesIn(fs: DurableFs, directory: string): Promise<Fact<string[]>> {
  return ask(async () => (await fs.list(directory)).map(({ name }) => name).sort());
}

/** Our files among them. */
export async function ownFilesIn(
  machine: Machine,
  directory: string,
  names: Fact<string[]>,
): Promise<Fact<OwnFile[]>> {
  if (isUnknown(names)) return names;
  const files: OwnFile[] = [];
  for (const name of names.filter(isOwnName)) {
    const status = await ask(() => machine.status(joinPath(directory, name)));
    // A compaction may have deleted it since.
    if (!isUnknown(status)) files.push({ name, status });
  }
  return files;
}

/** Whether a process has the state open for writing: it holds the lock file, or only the directory. */
export async function hasWriter(
  machine: Machine,
  mount: Mount | null,
  directory: Fact<PathStatus>,
  files: Fact<OwnFile[]>,
): Promise<Fact<boolean>> {
  if (isUnknown(files)) return files;
  const lock = files.find(({ name }) => name === LOCK_NAME);
  const locks = await ask(() => textOf(machine, "/proc/locks"));
  if (isUnknown(locks)) return locks;
  if (mount === null) return { unknown: "ENOENT" };
  return [lock?.status, valueOrNull(directory)].some((held) =>
    held != null && isLocked(locks, mount.device, held.inode)
  );
}
