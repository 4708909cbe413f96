// Builds what an emulated board boots from: the first file system in memory, and a disk with the programs.

import { execFileSync } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { execute, type GuestFiles } from "./packages.ts";

/** Kernel modules that Debian doesn't build in, in the order in which they load. */
const MODULES = {
  virt: [
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "virtio_mmio",
    "virtio_blk",
    "virtio_console",
  ],
  raspi3b: ["sdhci", "sdhci-pltfm", "sdhci-iproc", "bcm2835"],
};
const FILE_SYSTEM_MODULES = [
  "crc16",
  "crc32c_generic",
  "crc32_generic",
  "libcrc32c",
  "mbcache",
  "jbd2",
  "ext4",
  "lz4_compress",
  "lz4hc_compress",
  "zstd_compress",
  "f2fs",
  "nls_cp437",
  "nls_ascii",
  "nls_iso8859-1",
  "nls_utf8",
  "fat",
  "vfat",
  "exfat",
];

/** The kinds of machine that are emulated. */
export type Board = keyof typeof MODULES;

/** Builds the initramfs of a board. */
export function buildInitramfs(board: Board, files: GuestFiles, target: string): void {
  const folder = `${target}.d`;
  rmSync(folder, { recursive: true, force: true });
  for (const name of ["bin", "proc", "sys", "dev", "board", "modules"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  cpSync(files.busybox, join(folder, "bin", "busybox"));
  cpSync(join(import.meta.dirname!, "init.sh"), join(folder, "init"));
  const names = [...MODULES[board], ...FILE_SYSTEM_MODULES];
  const found = globSync("**/*.ko", { cwd: files.modules });
  for (const name of names) {
    const path = found.find((path) => basename(path, ".ko") === name);
    if (path !== undefined) {
      cpSync(join(files.modules, path), join(folder, "modules", basename(path)));
    }
  }
  const there = names.filter((name) => found.some((path) => basename(path, ".ko") === name));
  writeFileSync(join(folder, "modules", "order"), there.join("\n") + "\n");
  execFileSync("sh", [
    "-c",
    `chmod 755 init && find . | cpio -o -H newc --quiet | gzip -1 >"$0"`,
    target,
  ], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
    env: process.env,
  });
  rmSync(folder, { recursive: true });
}

/** What the program on the board calls. */
const BUSYBOX_PROGRAMS = ["mount", "umount", "blockdev"];

/** A program for the board, and where it goes. */
export interface Program {
  /** On this machine. */
  path: string;
  /** On the board, from its root. */
  at: string;
}

/** Builds the disk that the board's root is: the programs, and the libraries they are linked against. */
export function buildPrograms(
  programs: Program[],
  files: GuestFiles,
  target: string,
  megabytes = 512,
): void {
  const folder = `${target}.d`;
  rmSync(folder, { recursive: true, force: true });
  for (const name of ["bin", "proc", "sys", "dev", "tmp", "data"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  cpSync(join(files.tree, "lib", "aarch64-linux-gnu"), join(folder, "lib", "aarch64-linux-gnu"), {
    recursive: true,
    verbatimSymlinks: true,
  });
  cpSync(
    join(files.tree, "lib", "ld-linux-aarch64.so.1"),
    join(folder, "lib", "ld-linux-aarch64.so.1"),
    {
      verbatimSymlinks: true,
    },
  );
  cpSync(join(files.tree, "usr", "lib"), join(folder, "usr", "lib"), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.includes("linux-image-"),
  });
  cpSync(files.busybox, join(folder, "bin", "busybox"));
  for (const name of BUSYBOX_PROGRAMS) symlinkSync("busybox", join(folder, "bin", name));
  for (const { path, at } of programs) {
    mkdirSync(dirname(join(folder, at)), { recursive: true });
    cpSync(path, join(folder, at));
  }
  formatDisk(target, "ext4", megabytes, folder);
  rmSync(folder, { recursive: true });
}

/** The file systems that are tried. */
export type FileSystem = "ext4" | "f2fs" | "vfat" | "exfat";

/** All of them. */
export const FILE_SYSTEMS: readonly FileSystem[] = ["ext4", "f2fs", "vfat", "exfat"];

/** From this size on, FAT cards are FAT32, as those that are sold; smaller ones have the FAT that mkfs chooses. */
const FAT32_MEBIBYTES_MIN = 40;

/** Makes an empty image of a disk, or for ext4 one with the contents of a folder. */
export function formatDisk(
  path: string,
  kind: FileSystem,
  megabytes: number,
  folder?: string,
): void {
  rmSync(path, { force: true });
  writeFileSync(path, "");
  truncateSync(path, megabytes * 1024 * 1024);
  const filled = folder === undefined ? [] : ["-d", folder];
  const commands: Record<FileSystem, string[]> = {
    ext4: ["mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", ...filled],
    f2fs: ["mkfs.f2fs", "-q", "-f"],
    vfat: ["mkfs.vfat", ...(megabytes < FAT32_MEBIBYTES_MIN ? [] : ["-F", "32"])],
    exfat: ["mkfs.exfat"],
  };
  execute([...commands[kind], path]);
}
