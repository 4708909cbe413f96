// Opens derived images: mounted on this machine, which is fast, or on a board, for file systems that only it has.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import type { FileSystem } from "./boot_files.ts";
import { repaired } from "./repair.ts";
import { type Boot, commandOf, MOUNT_OPTIONS } from "./cut.ts";
import type { Judgement } from "./guest/judge.ts";
import { Machine } from "./machine.ts";
import type { BlockDevice } from "./nbd_server.ts";

/** Looks at images of cards. */
export interface Judge {
  look(image: Uint8Array, subject: string, directories: string[]): Promise<Judgement>;
  close(): Promise<void>;
}

/** Sends requests to a program that answers with a line for each, and waits for the answers, one at a time. */
class Questions {
  readonly #fileSystem: FileSystem;
  readonly #send: (line: string) => void;
  /** Resolves, with what the program had to complain about, when it has ended. */
  readonly #ended: Promise<string>;
  #next: (line: string) => void = () => {};

  constructor(fileSystem: FileSystem, send: (line: string) => void, ended: Promise<string>) {
    this.#fileSystem = fileSystem;
    this.#send = send;
    this.#ended = ended;
  }

  hear(line: string): void {
    this.#next(line);
  }

  async answer(request?: string): Promise<string> {
    const answer = new Promise<string>((resolve) => this.#next = resolve);
    if (request !== undefined) this.#send(request);
    const end = this.#ended.then((complaint) => {
      throw new Error(`the program that checks cards ended by itself:\n${complaint}`);
    });
    return await Promise.race([answer, end]);
  }

  async ask(subject: string, directories: string[], options = ""): Promise<Judgement> {
    const mount = options + MOUNT_OPTIONS[this.#fileSystem];
    return JSON.parse(
      await this.answer([this.#fileSystem, mount, subject, ...directories].join(" ")),
    );
  }
}

/** Mounts images on this machine, as root, and checks them with the same program on Bun. */
export class LoopJudge implements Judge {
  readonly #fileSystem: FileSystem;
  readonly #folder: string;
  readonly #image: string;
  readonly #repairs: boolean;
  readonly #process: ChildProcess;
  readonly #questions: Questions;

  private constructor(folder: string, repairs: boolean, process: ChildProcess, fs: FileSystem) {
    this.#fileSystem = fs;
    this.#folder = folder;
    this.#image = join(folder, "card.img");
    this.#repairs = repairs;
    this.#process = process;
    let errors = "";
    process.stderr!.setEncoding("utf8").on("data", (text: string) => errors += text);
    const ended = new Promise<string>((resolve) => process.on("close", () => resolve(errors)));
    this.#questions = new Questions(fs, (line) => process.stdin!.write(line + "\n"), ended);
    createInterface({ input: process.stdout! })
      .on("line", (line) => this.#questions.hear(line));
  }

  /** @param repairs whether `e2fsck -p` runs before the mount, as boards should have it */
  static async start(
    bun: string,
    program: string,
    fileSystem: FileSystem,
    repairs: boolean,
  ): Promise<LoopJudge> {
    // In memory where there is such a folder: thousands of images would wear out a disk.
    const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "rig-"));
    const mount = join(folder, "card");
    mkdirSync(mount);
    const process = spawn(bun, [program, "judge", join(folder, "card.img"), mount]);
    const judge = new LoopJudge(folder, repairs, process, fileSystem);
    await judge.#questions.answer();
    return judge;
  }

  async look(image: Uint8Array, subject: string, directories: string[]): Promise<Judgement> {
    const { bytes, refused } = await repaired(image, this.#fileSystem);
    if (refused !== null) return { found: [], refused };
    // A separate file for each: the previous one may still be mounted somewhere.
    rmSync(this.#image, { force: true });
    await writeFile(this.#image, bytes);
    // Its exit code says that it repaired something, which is not a failure.
    if (this.#repairs) await new Promise((done) => execFile("e2fsck", ["-p", this.#image], done));
    return await this.#questions.ask(subject, directories, "loop,");
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.on("close", resolve));
    this.#process.stdin!.end();
    await ended;
    rmSync(this.#folder, { recursive: true });
  }
}

/** Whether this machine can mount a file system from a file. */
export function canMount(fileSystem: FileSystem): boolean {
  const isSupported = readFileSync("/proc/filesystems", "utf8").split(/\s/).includes(fileSystem);
  return isSupported && process.getuid?.() === 0;
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
  readonly #fileSystem: FileSystem;
  readonly #card: ChangingCard;
  readonly #machine: Machine;
  readonly #questions: Questions;

  private constructor(
    card: ChangingCard,
    machine: Machine,
    questions: Questions,
    fileSystem: FileSystem,
  ) {
    this.#fileSystem = fileSystem;
    this.#card = card;
    this.#machine = machine;
    this.#questions = questions;
  }

  static async start(boot: Boot, fileSystem: FileSystem, cardSize: number): Promise<BoardJudge> {
    const card = new ChangingCard(new Uint8Array(cardSize));
    const machine = await Machine.start({
      ...boot,
      card,
      fileSystem: "none",
      mountOptions: "none",
      run: commandOf("bun", ["judge"]),
      onSaid: (line) => questions.hear(line),
    });
    const ended = machine.ended.then(() => machine.console);
    const questions = new Questions(fileSystem, (line) => machine.send(line), ended);
    await questions.answer();
    return new BoardJudge(card, machine, questions, fileSystem);
  }

  async look(image: Uint8Array, subject: string, directories: string[]): Promise<Judgement> {
    const { bytes, refused } = await repaired(image, this.#fileSystem);
    if (refused !== null) return { found: [], refused };
    // The board's kernel knows only one size, and the card of a full disk is smaller.
    this.#card.bytes = new Uint8Array(this.#card.size);
    this.#card.bytes.set(bytes);
    return await this.#questions.ask(subject, directories);
  }

  async close(): Promise<void> {
    await this.#machine.kill();
  }
}
