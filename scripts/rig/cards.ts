// Empty cards, formatted once and copied from then on.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type FileSystem, formatDisk } from "./boot_files.ts";

/** Small ones, for every crash state is a copy of one. f2fs takes no less; a full disk has to be filled. */
const MEBIBYTES: Record<FileSystem, number> = { ext4: 32, f2fs: 64, vfat: 40, exfat: 40 };
const FULL_DISK_MEBIBYTES = 12;

/** The size of a card in bytes. */
export function cardSize(fileSystem: FileSystem, subject: string): number {
  const small = subject === "full-disk" && fileSystem !== "f2fs";
  return (small ? FULL_DISK_MEBIBYTES : MEBIBYTES[fileSystem]) * 1024 * 1024;
}

/** Makes cards. */
export class Cards {
  readonly #folder: string;
  readonly #made = new Map<string, Uint8Array>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** An empty card. Not to be changed. */
  empty(fileSystem: FileSystem, subject: string): Uint8Array {
    const mebibytes = cardSize(fileSystem, subject) / 1024 / 1024;
    const name = `${fileSystem}-${mebibytes}`;
    let card = this.#made.get(name);
    if (card === undefined) {
      const path = join(this.#folder, `${name}.img`);
      formatDisk(path, fileSystem, mebibytes);
      card = readFileSync(path);
      this.#made.set(name, card);
    }
    return card;
  }
}
