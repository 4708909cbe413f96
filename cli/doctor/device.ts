/**
 * Finds the block device of a mount, and what it reports about its cache.
 *
 * @module
 */

import type { Machine } from "../machine.ts";
import {
  ask,
  type DoctorFinding,
  type Fact,
  fine,
  isUnknown,
  unknownFinding,
  valueOrNull,
} from "./finding.ts";
import type { Mount } from "./mounts.ts";

/** What is known about a device. */
export interface DeviceFacts {
  /** The whole disk's name, such as "mmcblk0". */
  disk: string;
  /** "write back": a cache that must be flushed; "write through": no cache that could lose anything. */
  writeCache: string;
}

/** Looks the device up in `/sys`. */
export function deviceOf(machine: Machine, mount: Mount): Promise<Fact<DeviceFacts>> {
  return ask(async () => {
    // Btrfs and overlays use their own numbers, which no device has. Some name the device as their source.
    const byNumber = await ask(() => machine.realPath(`/sys/dev/block/${mount.device}`));
    const name = mount.source.split("/").at(-1);
    const path = valueOrNull(byNumber) ?? await machine.realPath(`/sys/class/block/${name}`);
    // A partition's folder is inside that of its disk.
    for (const folder of [path, path.slice(0, path.lastIndexOf("/"))]) {
      const cache = await ask(() => machine.read(`${folder}/queue/write_cache`));
      if (isUnknown(cache)) continue;
      const writeCache = new TextDecoder().decode(cache).trim();
      return { disk: folder.slice(folder.lastIndexOf("/") + 1), writeCache };
    }
    return { unknown: "ENOENT" };
  });
}

/** Reports what the device's cache means. */
export function deviceFinding(device: Fact<DeviceFacts>): DoctorFinding {
  const check = "write cache";
  if (isUnknown(device)) return unknownFinding(check, device);
  const { disk, writeCache } = device;
  const remark = writeCache === "write through"
    ? "it reports no cache that a power cut could lose"
    : "each sync flushes its cache";
  return fine(check, `${disk}: ${writeCache}: ${remark}`);
}
