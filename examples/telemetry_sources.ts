/**
 * Where the readings come from: files of Linux's `/proc` and `/sys`, and `node:os` elsewhere.
 *
 * @module
 */

import { readdir, readFile } from "node:fs/promises";
import os from "node:os";
import type { Reading } from "./telemetry_state.ts";

/** One thing to sample: gives what can be read now. */
export type Source = () => Promise<Reading[]>;

/** The sources that this machine has, one at least. */
export async function findSources(): Promise<Source[]> {
  const candidates: Source[] = [load, memory, processor, disks, network, temperatures];
  const samples = await Promise.all(candidates.map((source) => source()));
  const found = candidates.filter((_, i) => samples[i]!.length > 0);
  return found.length > 0 ? found : [portable];
}

/** A file's lines, split at white space; none if there is no such file. */
async function readFields(path: string): Promise<string[][]> {
  let text;
  try {
    text = await readFile(path, "utf8");
  } catch {
    // Boards differ in what they have; what can't be read is not a sensor here.
    return [];
  }
  return text.trim().split("\n").map((line) => line.trim().split(/[\s:]+/));
}

async function load(): Promise<Reading[]> {
  const [fields] = await readFields("/proc/loadavg");
  if (fields === undefined) return [];
  return ["1min", "5min", "15min"].map((span, i) => reading(`load/${span}`, fields[i], "tasks"));
}

async function memory(): Promise<Reading[]> {
  const kept: Record<string, string> = {
    MemFree: "free",
    MemAvailable: "available",
    Cached: "cached",
    Dirty: "dirty",
  };
  const lines = await readFields("/proc/meminfo");
  return lines
    .filter(([name]) => Object.hasOwn(kept, name!))
    .map(([name, value]) => reading(`memory/${kept[name!]}`, value, "KiB"));
}

async function processor(): Promise<Reading[]> {
  const kept: Record<string, string> = { ctxt: "context-switches", processes: "forks" };
  const lines = await readFields("/proc/stat");
  return lines
    .filter(([name]) => Object.hasOwn(kept, name!))
    .map(([name, value]) => reading(`processor/${kept[name!]}`, value, "count"));
}

async function disks(): Promise<Reading[]> {
  const lines = await readFields("/proc/diskstats");
  return lines
    // Whole disks that have been used; partitions and idle loop devices only repeat or say nothing.
    .filter((fields) => /^([hsv]d[a-z]+|nvme\d+n\d+|mmcblk\d+)$/.test(fields[2]!))
    .flatMap((fields) => [
      reading(`disk/${fields[2]}/read`, fields[5], "sectors"),
      reading(`disk/${fields[2]}/written`, fields[9], "sectors"),
    ]);
}

async function network(): Promise<Reading[]> {
  const lines = await readFields("/proc/net/dev");
  return lines
    // Two lines of headings come first.
    .filter((fields) => fields.length > 10 && /^\d+$/.test(fields[1]!))
    .flatMap((fields) => [
      reading(`network/${fields[0]}/received`, fields[1], "bytes"),
      reading(`network/${fields[0]}/sent`, fields[9], "bytes"),
    ]);
}

async function temperatures(): Promise<Reading[]> {
  const folder = "/sys/class/thermal";
  const zones = await readdir(folder).catch((): string[] => []);
  const readings = await Promise.all(
    zones.filter((zone) => zone.startsWith("thermal_zone")).map(async (zone) => {
      const [fields] = await readFields(`${folder}/${zone}/temp`);
      return fields === undefined ? [] : [
        reading(`temperature/${zone.replace("thermal_", "")}`, fields[0], "millidegrees Celsius"),
      ];
    }),
  );
  return readings.flat();
}

/** For systems without `/proc`. */
function portable(): Promise<Reading[]> {
  return Promise.resolve([
    { sensor: "load/1min", value: os.loadavg()[0]!, unit: "tasks" },
    { sensor: "memory/free", value: os.freemem(), unit: "bytes" },
    { sensor: "uptime", value: os.uptime(), unit: "seconds" },
  ]);
}

/** A number that can't be read as one (a driver may print anything) becomes 0 rather than end the keeper. */
function reading(sensor: string, text: string | undefined, unit: string): Reading {
  const value = Number(text);
  return { sensor, value: Number.isFinite(value) ? value : 0, unit };
}
