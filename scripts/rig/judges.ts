// Opens derived images: mounted on this machine, which is fast, or on a board, for file systems that only it has.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { FileSystem } from "./boot_files.ts";
import { type Boot, commandOf, MOUNT_OPTIONS } from "./cut.ts";
import type { Judgement } from "./guest/judge.ts";
import type { Found } from "./guest/subject.ts";
import { Machine } from "./machine.ts";
import type { BlockDevice } from "./nbd_server.ts";

/** Where a board's card is mounted. */
const FOLDER = "/data";

/** Looks at images of cards. */
export interface Judge {
  look(image: Uint8Array, subject: string, directories: string[]): Promise<Judgement>;
  close(): Promise<void>;
}

/** Mounts images on this machine, as root, and checks them with the same program on Bun. */
export class LoopJudge implements Judge {
  readonly #bun: string;
  readonly #program: string;
  readonly #fileSystem: FileSystem;
  readonly #repairs: boolean;
  readonly #folder: string;
  readonly #image: string;
  readonly #mount: string;

  /** @param repairs whether `e2fsck -p` runs before the mount, as boards should have it */
  constructor(bun: string, program: string, fileSystem: FileSystem, repairs: boolean) {
    this.#bun = bun;
    this.#program = program;
    this.#fileSystem = fileSystem;
    this.#repairs = repairs;
    // In memory where there is such a folder: thousands of images are nothing for a disk.
    this.#folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "rig-"));
    this.#image = join(this.#folder, "card.img");
    this.#mount = join(this.#folder, "card");
    mkdirSync(this.#mount);
  }

  async look(image: Uint8Array, subject: string, directories: string[]): Promise<Judgement> {
    await writeFile(this.#image, image);
    // It says with its exit code that it repaired something, which is no failure.
    if (this.#repairs) await run("e2fsck", ["-p", this.#image]);
    const options = `loop,${MOUNT_OPTIONS[this.#fileSystem]}`;
    const mounted = await run("mount", ["-o", options, this.#image, this.#mount]);
    if (mounted.error) return { found: [], refused: mounted.errors.trim() };
    try {
      if (directories.length === 0) return { found: [], refused: null };
      const paths = directories.map((directory) => directory.replace(FOLDER, this.#mount));
      const checked = await run(this.#bun, [this.#program, "check", subject, ...paths]);
      if (checked.error) throw checked.error;
      const lines = checked.output.split("\n").filter((line) => line !== "");
      const found: Found[] = lines.map((line) => JSON.parse(line));
      return {
        found: found.map((one, index) => ({ ...one, directory: directories[index]! })),
        refused: null,
      };
    } finally {
      const { error } = await run("umount", [this.#mount]);
      if (error) throw error;
    }
  }

  close(): Promise<void> {
    rmSync(this.#folder, { recursive: true });
    return Promise.resolve();
  }
}

/** Runs a program without holding up the disks that are being served meanwhile. */
function run(
  command: string,
  args: string[],
): Promise<{ error: Error | null; output: string; errors: string }> {
  return new Promise((resolve) => {
    execFile(command, args, { encoding: "utf8" }, (error, output, errors) => {
      resolve({ error, output, errors });
    });
  });
}

/** Whether this machine can mount a file system from a file. */
export function canMount(fileSystem: FileSystem): boolean {
  const known = readFileSync("/proc/filesystems", "utf8").split(/\s/).includes(fileSystem);
  return known && process.getuid?.() === 0;
}

/** A card whose contents are changed while nothing is mounted. */
class ChangingCard implements BlockDevice {
  bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get size(): number {
    return this.bytes.length;
  }

  read(offset: number, size: number): Uint8Array {
    return this.bytes.slice(offset, offset + size);
  }

  write(offset: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, offset);
  }

  flush(): void {}
}

/** Lets one board look at card after card. */
export class BoardJudge implements Judge {
  readonly #card: ChangingCard;
  readonly #machine: Machine;
  readonly #fileSystem: FileSystem;
  readonly #lines: { next: (line: string) => void };

  private constructor(
    card: ChangingCard,
    machine: Machine,
    fileSystem: FileSystem,
    lines: { next: (line: string) => void },
  ) {
    this.#card = card;
    this.#machine = machine;
    this.#fileSystem = fileSystem;
    this.#lines = lines;
  }

  static async start(boot: Boot, fileSystem: FileSystem, cardSize: number): Promise<BoardJudge> {
    const card = new ChangingCard(new Uint8Array(cardSize));
    const lines = { next: (_: string) => {} };
    const ready = new Promise<string>((resolve) => lines.next = resolve);
    const machine = await Machine.start({
      ...boot,
      card,
      fileSystem: "none",
      mountOptions: "none",
      run: commandOf("bun", ["judge"]),
      onSaid: (line) => lines.next(line),
    });
    if (await Promise.race([ready, machine.ended]) === undefined) {
      throw new Error(`the board that looks at cards ended by itself:\n${machine.console}`);
    }
    return new BoardJudge(card, machine, fileSystem, lines);
  }

  async look(image: Uint8Array, subject: string, directories: string[]): Promise<Judgement> {
    this.#card.bytes = image.slice();
    const answer = new Promise<string>((resolve) => this.#lines.next = resolve);
    this.#machine.tell(
      [this.#fileSystem, MOUNT_OPTIONS[this.#fileSystem], subject, ...directories].join(" "),
    );
    const line = await Promise.race([answer, this.#machine.ended]);
    if (line === undefined) {
      throw new Error(`the board that looks at cards ended:\n${this.#machine.console}`);
    }
    return JSON.parse(line);
  }

  async close(): Promise<void> {
    await this.#machine.kill();
  }
}
