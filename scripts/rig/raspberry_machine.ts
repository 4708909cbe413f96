// Starts an emulated Raspberry Pi 3B, reads its serial console, and cuts its power.

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { GuestFiles } from "./packages.ts";

/** What a Raspberry Pi is started with. */
export interface RaspberrySetup {
  files: GuestFiles;
  initramfs: string;
  /** The image of its SD card, which it changes. */
  card: string;
  /** The program and its arguments, from the card's root; or `console`. */
  run: string[];
}

const LOOK_MS = 20;

/**
 * QEMU's arguments. The board's first serial port is wired to its Bluetooth, so that Linux takes nothing from there but
 * writes to it; a person needs the second.
 */
export function raspberryArguments(
  { files, initramfs, card, run }: RaspberrySetup,
  console: "listens" | "types",
): string[] {
  const append = [
    // Nothing of the kernel's in the middle of a program's line.
    `console=${console === "listens" ? "ttyAMA0" : "ttyS1,115200"} quiet loglevel=1 panic=1`,
    // With all four processors Debian's kernel hangs now and then on this emulated board.
    "maxcpus=1",
    `rig.fs=none rig.restart=never rig.run=${run.join(",")}`,
  ].join(" ");
  return [
    ["-M", "raspi3b", "-m", "1G", "-display", "none", "-no-reboot"],
    ["-kernel", files.kernel, "-dtb", files.raspberryTree, "-initrd", initramfs],
    ["-append", append, "-drive", `file=${card},format=raw,if=sd`],
    // With QEMU's own monitor for a person: Ctrl-A X ends QEMU, Ctrl-C goes to the board.
    console === "listens" ? ["-serial", "stdio"] : ["-serial", "null", "-serial", "mon:stdio"],
  ].flat();
}

/** A running Raspberry Pi. */
export class Raspberry {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  #parts: string[] = [];
  #over = false;

  private constructor(process: ChildProcess) {
    this.#process = process;
    running.add(process);
    for (const stream of [process.stdout!, process.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => this.#parts.push(text));
    }
    this.#ended = new Promise((resolve) => {
      process.on("error", (error) => this.#parts.push(`cannot start QEMU: ${error.message}`));
      process.on("close", () => {
        this.#over = true;
        running.delete(process);
        resolve();
      });
    });
  }

  /** Switches it on. */
  static start(setup: RaspberrySetup): Raspberry {
    const args = raspberryArguments(setup, "listens");
    return new Raspberry(spawn("qemu-system-aarch64", args, { stdio: ["ignore", "pipe", "pipe"] }));
  }

  /** Everything on the console so far. */
  get console(): string {
    if (this.#parts.length > 1) this.#parts = [this.#parts.join("")];
    return (this.#parts[0] ?? "").replaceAll("\r", "");
  }

  /** Waits until the console shows a text. Returns whether it did, within the time and before the end. */
  async waitFor(isThere: (console: string) => boolean, msMax: number): Promise<boolean> {
    const deadline = performance.now() + msMax;
    while (!isThere(this.console)) {
      if (this.#over || performance.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return true;
  }

  /** Takes the power away. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#ended;
  }
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
