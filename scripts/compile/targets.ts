// The targets of binaries: Rust's names, which Deno uses, and what the other tools call them.

import process from "node:process";

/** One system that a binary runs on. */
export interface Target {
  /** The name that Bun has for it. */
  bun: string;
  /** Whether Deno builds for it: there is no Deno for musl. */
  deno: boolean;
  /** `e_machine` of its ELF files. */
  machine: number;
}

const X86_64 = 62;
const AARCH64 = 183;

/** Every target, by its name. */
export const TARGETS: Readonly<Record<string, Target>> = {
  "aarch64-unknown-linux-gnu": { bun: "bun-linux-arm64", deno: true, machine: AARCH64 },
  "aarch64-unknown-linux-musl": { bun: "bun-linux-arm64-musl", deno: false, machine: AARCH64 },
  "x86_64-unknown-linux-gnu": { bun: "bun-linux-x64", deno: true, machine: X86_64 },
  "x86_64-unknown-linux-musl": { bun: "bun-linux-x64-musl", deno: false, machine: X86_64 },
};

/** Returns the target of that name. Throws a `RangeError` when there is none. */
export function targetOf(name: string): Target {
  const target = Object.hasOwn(TARGETS, name) ? TARGETS[name] : undefined;
  if (target !== undefined) return target;
  throw new RangeError(`Unknown target "${name}": wanted ${Object.keys(TARGETS).join(", ")}`);
}

/** The target that this machine is. */
export function hostTarget(): string {
  return `${process.arch === "arm64" ? "aarch64" : "x86_64"}-unknown-linux-gnu`;
}
