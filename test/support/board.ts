// A folder that serves as a board's root, and stand-ins for the commands that examples/board/install.sh runs there.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { root } from "../../scripts/toolchain.ts";
import { elfFile, MACHINE } from "./elf_file.ts";
import type { TemporaryDirectory } from "./temporary.ts";

/** Where install.sh puts a service called "keeper". */
export const KEEPER = {
  program: "usr/local/bin/keeper",
  before: "usr/local/bin/keeper.before",
  unit: "usr/local/lib/systemd/system/keeper.service",
  user: "usr/local/lib/sysusers.d/keeper.conf",
} as const;

/** What starts a program on each kind of system. */
export const LOADER = {
  glibc_aarch64: "/lib/ld-linux-aarch64.so.1",
  glibc_x86_64: "/lib64/ld-linux-x86-64.so.2",
  musl_aarch64: "/lib/ld-musl-aarch64.so.1",
  armhf: "/lib/ld-linux-armhf.so.3",
} as const;

const PT_INTERP = 3;

/** What a test asks of a program. */
export interface ProgramSpec {
  machine?: number;
  /** Null is a static program. */
  loader?: string | null;
  /** Something that distinguishes it from others. */
  text?: string;
}

/** A program as far as install.sh reads it. */
export function program(spec: ProgramSpec = {}): Uint8Array {
  const { machine = MACHINE.aarch64, loader = LOADER.glibc_aarch64, text = "the program" } = spec;
  const path = new TextEncoder().encode(`${loader}\0`);
  const interpreter = { type: PT_INTERP, offset: 400, filesz: path.length };
  const load = { offset: 0, filesz: 64 };
  const bytes = elfFile({
    machine,
    segments: loader === null ? [load] : [load, interpreter],
    size: 600,
  });
  if (loader !== null) bytes.set(path, 400);
  bytes.set(new TextEncoder().encode(text), 500);
  return bytes;
}

// Each says that it was called. The one whose turn it is kills the script before it does anything, as SIGKILL would,
// and leaves of a copy the half. What isn't done for real needs systemd.
const SHIM = `#!/bin/sh
tool="$(basename "$0")"
echo "$tool $*" >>"$TEST_LOG"
if [ "$(wc -l <"$TEST_LOG")" -eq "\${TEST_CRASH_AT:-0}" ]; then
  [ "$tool" != cp ] || head -c 300 "$1" >"$2"
  kill -KILL "$PPID"
  exit 1
fi
`;
const REAL = (tool: string) => `PATH="$TEST_PATH" exec ${tool} "$@"\n`;
const STAND_INS: Record<string, string> = {
  cp: REAL("cp"),
  ln: REAL("ln"),
  mv: REAL("mv"),
  rm: REAL("rm"),
  sync: "",
  sleep: "",
  journalctl: 'echo "the log"\n',
  "systemd-sysusers": "",
  systemctl: `case "$1" in
  restart) exit "\${TEST_RESTART_CODE:-0}" ;;
  show)
    head -n 1 "$TEST_LOOKS"
    [ "$(wc -l <"$TEST_LOOKS")" -eq 1 ] || sed -i 1d "$TEST_LOOKS"
    ;;
esac
`,
};

/** The result of a run of install.sh. */
export interface Installed {
  /** Null if a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A board's root with its loader, a program to install, and what was called in which order. */
export class Board {
  readonly root: string;
  readonly binary: string;
  readonly #tools: string;
  readonly #log: string;
  readonly #looks: string;

  constructor(directory: TemporaryDirectory) {
    this.root = directory.join("board");
    this.binary = directory.join("keeper-aarch64");
    this.#tools = directory.join("tools");
    this.#log = directory.join("log");
    this.#looks = directory.join("looks");
    mkdirSync(this.#tools);
    for (const [tool, body] of Object.entries(STAND_INS)) this.tool(tool, SHIM + body);
    this.write(LOADER.glibc_aarch64, "");
    this.bring("the program");
  }

  /** Puts another stand-in in place of a command. */
  tool(name: string, script: string): void {
    const path = join(this.#tools, name);
    writeFileSync(path, script);
    chmodSync(path, 0o755);
  }

  /** Writes the program that is installed next. */
  bring(text: string): Uint8Array {
    const bytes = program({ text });
    writeFileSync(this.binary, bytes);
    return bytes;
  }

  /** Runs install.sh with these arguments. */
  run(args: string[], variables: Record<string, string> = {}): Installed {
    writeFileSync(this.#log, "");
    const script = join(root, "examples", "board", "install.sh");
    const { status, stdout, stderr } = spawnSync("sh", [script, ...args], {
      env: {
        ...process.env,
        PATH: `${this.#tools}:${process.env.PATH}`,
        TEST_PATH: process.env.PATH,
        TEST_LOG: this.#log,
        TEST_LOOKS: this.#looks,
        ...variables,
      },
      encoding: "utf8",
    });
    return { code: status, stdout, stderr };
  }

  /** Installs the program that was brought, as "keeper". */
  install(variables: Record<string, string> = {}): Installed {
    return this.run(["keeper", this.binary, this.root], variables);
  }

  /** Restarts "keeper", whose state and count of restarts are these, look by look. */
  restart(looks: string[], variables: Record<string, string> = {}): Installed {
    writeFileSync(this.#looks, looks.map((look) => `${look}\n`).join(""));
    return this.run(["--restart", "keeper"], variables);
  }

  /** What was called in the last run, without the folder's name. */
  calls(): string[] {
    const text = readFileSync(this.#log, "utf8").replaceAll(this.root, "").trimEnd();
    return text.split("\n").map((line) => line.trim());
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  write(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true, force: true });
  }

  /** Every file that an installation made or left aside. */
  files(): string[] {
    if (!this.has("usr")) return [];
    const entries = readdirSync(join(this.root, "usr"), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name).sort();
  }

  /** The mark of an installed program, or undefined where none is. */
  installed(path: string): string | undefined {
    return this.has(path) ? /the [a-z ]*/.exec(this.read(path))?.[0] : undefined;
  }
}
