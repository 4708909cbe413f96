// Starts an emulated board with a card of ours in it, listens to what its program says, and kills it.

import process from "node:process";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { FileSystem } from "./boot_files.ts";
import { type BlockDevice, serveDisk } from "./nbd_server.ts";

/** What a board of the kind "virt" is started with. */
export interface MachineSetup {
  kernel: string;
  initramfs: string;
  programs: string;
  card: BlockDevice;
  fileSystem: FileSystem | "none";
  mountOptions: string;
  /** The program and its arguments, from the board's root. */
  run: string[];
  /** Whether another program on the board syncs its own file all the time. */
  neighbour?: boolean;
  /** After how many seconds the program is killed and restarted, again and again. */
  restartSeconds?: number;
  /** Called with every line that the program prints. */
  onSaid(line: string): void;
}

const MEMORY_MIB = 1024;
const PROCESSORS = 2;
/** What an emulated processor spends a second of each start on, and no card notices. */
const FASTER = "init_on_alloc=0 mitigations=off cryptomgr.notests";

/** A running board. */
export class Machine {
  readonly #process: ChildProcess;
  readonly #servers: Server[];
  readonly #folder: string;
  readonly #line: Line;
  #console = "";
  /** Resolves when it is over: killed, switched off, or crashed. */
  readonly ended: Promise<void>;

  private constructor(process: ChildProcess, servers: Server[], line: Line, folder: string) {
    this.#process = process;
    this.#line = line;
    this.#servers = servers;
    this.#folder = folder;
    for (const stream of [process.stdout!, process.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => this.#console += text);
    }
    this.ended = new Promise((resolve) => {
      process.on("close", () => {
        running.delete(process);
        for (const server of this.#servers) server.close();
        rmSync(this.#folder, { recursive: true, force: true });
        resolve();
      });
    });
  }

  /** Switches a board on. */
  static async start(setup: MachineSetup): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), "rig-"));
    const card = join(folder, "card");
    const said = join(folder, "said");
    const line: Line = { socket: null };
    const servers = [await serveDisk(card, setup.card), await hear(said, line, setup.onSaid)];
    const process = spawn("qemu-system-aarch64", argumentsOf(setup, card, said), {
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(process);
    return new Machine(process, servers, line, folder);
  }

  /** Everything on the console so far. */
  get console(): string {
    return this.#console;
  }

  /** Says a line to the program. */
  send(text: string): void {
    this.#line.socket?.write(text + "\n");
  }

  /** Takes the power away. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.ended;
  }
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

function argumentsOf(setup: MachineSetup, card: string, said: string): string[] {
  const { kernel, initramfs, programs, fileSystem, mountOptions, run } = setup;
  const { neighbour = false, restartSeconds = "never" } = setup;
  const settings = {
    "rig.fs": fileSystem,
    "rig.options": mountOptions,
    "rig.run": run.join(","),
    "rig.neighbour": neighbour ? "yes" : "no",
    "rig.restart": `${restartSeconds}`,
  };
  const append = [
    "console=ttyAMA0 quiet panic=1",
    FASTER,
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
  ].join(" ");
  return [
    ["-M", "virt", "-cpu", "cortex-a72", "-smp", `${PROCESSORS}`, "-m", `${MEMORY_MIB}`],
    ["-nographic", "-no-reboot", "-nic", "none"],
    ["-kernel", kernel, "-initrd", initramfs, "-append", append],
    ["-drive", `file=${programs},format=raw,if=none,id=programs,readonly=on`],
    ["-device", "virtio-blk-pci,drive=programs,serial=programs"],
    // No cache of QEMU's own: what the guest flushes is what we see flushed.
    ["-blockdev", `driver=nbd,node-name=card,server.type=unix,server.path=${card},cache.direct=on`],
    ["-device", "virtio-blk-pci,drive=card,serial=data,write-cache=on"],
    ["-chardev", `socket,id=said,path=${said}`],
    ["-device", "virtio-serial-pci"],
    ["-device", "virtserialport,chardev=said,name=said"],
  ].flat();
}

/** The serial line, once the machine has plugged itself in. */
interface Line {
  socket: Socket | null;
}

/** Listens on a socket for lines. */
async function hear(path: string, line: Line, onLine: (text: string) => void): Promise<Server> {
  const server = createServer((socket) => {
    line.socket = socket;
    createInterface({ input: socket }).on("line", onLine);
    // The machine is gone, and the rest of a line with it.
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}
