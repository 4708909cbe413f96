// Switches an emulated board on for a person: a shell on its serial console, which is this terminal.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Board, buildInitramfs, formatDisk } from "./boot_files.ts";
import { buildDemoCard } from "./demo_card.ts";
import { cacheFolder, type GuestFiles } from "./packages.ts";
import { raspberryArguments } from "./raspberry_machine.ts";

const DATA_MEBIBYTES = 256;

/** What a board boots and keeps; the same every time, so that a card can be taken out in mid-write and put in again. */
interface ConsoleFiles {
  initramfs: string;
  /** The programs, and on a Raspberry Pi the data too. */
  card: string;
  /** The card for the data, where there are two. */
  data: string;
}

/**
 * Starts a board and returns its exit code when it is switched off. The card is kept as it is then, and is used again the
 * next time; `anew` makes a new one.
 */
export async function openConsole(
  board: Board,
  files: GuestFiles,
  { anew = false }: { anew?: boolean } = {},
): Promise<number> {
  const made = await makeFiles(board, files, anew);
  const args = argumentsOf(board, files, made);
  return await new Promise((resolve, reject) => {
    const child = spawn("qemu-system-aarch64", args, { stdio: "inherit" });
    // Ctrl-C is for the program on the board; QEMU hands it on.
    const ignore = () => {};
    process.on("SIGINT", ignore);
    child.on("error", reject);
    child.on("close", (code) => {
      process.off("SIGINT", ignore);
      resolve(code ?? 1);
    });
  });
}

async function makeFiles(board: Board, files: GuestFiles, anew: boolean): Promise<ConsoleFiles> {
  const folder = join(cacheFolder, "console", board);
  mkdirSync(folder, { recursive: true });
  const [initramfs, card, data] = ["initramfs.cpio.gz", "card.img", "data.img"]
    .map((name) => join(folder, name)) as [string, string, string];
  buildInitramfs(board, files, initramfs);
  if (anew || !existsSync(card)) {
    console.log("rig: building the programs for the board");
    await buildDemoCard(files, card);
    formatDisk(data, "ext4", DATA_MEBIBYTES);
  }
  return { initramfs, card, data };
}

function argumentsOf(
  board: Board,
  files: GuestFiles,
  { initramfs, card, data }: ConsoleFiles,
): string[] {
  if (board === "raspi3b") {
    return raspberryArguments({ files, initramfs, card, run: ["console"] }, "types");
  }
  const append = [
    "console=ttyAMA0 quiet panic=1",
    "rig.fs=ext4 rig.options=noatime rig.run=console",
  ].join(" ");
  return [
    ["-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "1024"],
    ["-display", "none", "-no-reboot", "-nic", "none"],
    // With QEMU's own monitor: Ctrl-A X ends QEMU, Ctrl-C goes to the board.
    ["-serial", "mon:stdio"],
    ["-kernel", files.kernel, "-initrd", initramfs, "-append", append],
    ["-drive", `file=${card},format=raw,if=none,id=programs,readonly=on`],
    ["-device", "virtio-blk-pci,drive=programs,serial=programs"],
    ["-drive", `file=${data},format=raw,if=none,id=data`],
    ["-device", "virtio-blk-pci,drive=data,serial=data"],
  ].flat();
}
