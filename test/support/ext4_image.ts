// A real ext4 file system in a file, whose inodes a test can damage between two mounts. Needs root and loop devices.

import { execFileSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import process from "node:process";

const SBIN = "/usr/sbin";
const BLOCK_SIZE = 1024;
/** Where an inode of ext4 keeps the lower half of its checksum. */
const CHECKSUM_AT = 0x7c;
/** CAP_SYS_ADMIN: what a mount needs. */
const MAY_MOUNT = 1n << 21n;

/** Whether this machine lets the test make and mount one. */
export function canMountImages(): boolean {
  if (process.geteuid!() !== 0 || !existsSync("/dev/loop-control")) return false;
  const [, capabilities = "0"] = /^CapEff:\s*(\w+)/m.exec(
    readFileSync("/proc/self/status", "utf8"),
  ) ?? [];
  return (BigInt(`0x${capabilities}`) & MAY_MOUNT) !== 0n &&
    ["mkfs.ext4", "debugfs"].every((program) => existsSync(`${SBIN}/${program}`));
}

/** The file system; unmounted when it is disposed of. */
export class Ext4Image {
  readonly #image: string;
  /** Where it is mounted. */
  readonly path: string;
  #mounted = false;

  private constructor(directory: string) {
    this.#image = `${directory}/image`;
    this.path = `${directory}/mounted`;
  }

  /** Makes one in an empty directory, and mounts it. */
  static async make(directory: string): Promise<Ext4Image> {
    const image = new Ext4Image(directory);
    await mkdir(image.path);
    const features = "metadata_csum";
    execFileSync(`${SBIN}/mkfs.ext4`, [
      "-q",
      ...["-b", String(BLOCK_SIZE), "-O", features],
      image.#image,
      "16M",
    ]);
    image.mount();
    return image;
  }

  /** Mounts it again. */
  mount(): void {
    execFileSync("mount", ["-o", "loop", this.#image, this.path]);
    this.#mounted = true;
  }

  /** Unmounts it: what is read from it afterwards comes from the disk. */
  unmount(): void {
    if (!this.#mounted) return;
    execFileSync("umount", [this.path]);
    this.#mounted = false;
  }

  /** Makes the checksum of a file's inode wrong: the kernel says `EBADMSG`. Not while it is mounted. */
  spoilChecksum(file: string): void {
    const said = this.#debug("-R", `imap /${file}`);
    const [, block, offset] = /located at block (\d+), offset 0x(\w+)/.exec(said)!;
    const at = Number(block) * BLOCK_SIZE + parseInt(offset!, 16) + CHECKSUM_AT;
    const fd = openSync(this.#image, "r+");
    const byte = new Uint8Array(1);
    readSync(fd, byte, 0, 1, at);
    byte[0]! ^= 0x55;
    writeSync(fd, byte, 0, 1, at);
    closeSync(fd);
  }

  /** Makes a file's inode nothing that there is: the kernel says `EUCLEAN`. Not while it is mounted. */
  spoilKind(file: string): void {
    this.#debug("-w", "-R", `set_inode_field /${file} mode 0170600`);
  }

  #debug(...args: string[]): string {
    return execFileSync(`${SBIN}/debugfs`, [...args, this.#image], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  }

  /** Unmounts it; the file goes with its directory. */
  [Symbol.dispose](): void {
    this.unmount();
  }
}
