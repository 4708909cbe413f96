/**
 * Reads how much memory this process uses and its peak.
 *
 * @module
 */

/** Memory of this process, in bytes, as Linux counts it. */
export interface Memory {
  /** The most that was ever resident. */
  peak: number;
  /** What is resident now. */
  now: number;
}

const PATH = "/proc/self/status";

/** Reads it from Linux, on Deno without `node:fs`, which would add to it. */
export async function readMemory(): Promise<Memory> {
  const status = "Deno" in globalThis
    ? Deno.readTextFileSync(PATH)
    : (await import("node:fs")).readFileSync(PATH, "utf8");
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
  return { peak: field("VmHWM"), now: field("VmRSS") };
}
