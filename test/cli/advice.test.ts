// Tests what the command advises: only what it can do itself. It has none of the options of `open`.

import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type DurableFs, StateManager } from "@ministate/ministate";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { DOCUMENT_JOURNAL, documentMutator } from "../../cli/document.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { badDisk } from "../support/bad_disk.ts";
import { systemError } from "../support/wrapped_fs.ts";
import { runHere } from "../support/command_in_process.ts";

const DIRECTORY = "/data/state";
const LOCK = `${DIRECTORY}/ministate.lock`;
const segment = (sequence: number) =>
  `${DIRECTORY}/document-${String(sequence).padStart(16, "0")}.wal.jsonl`;

interface Situation {
  name: string;
  /** Breaks what is there, and gives the file system to use. */
  make(disk: PowerCutDisk): DurableFs | Promise<DurableFs>;
  commands: string[];
  code: string;
  says: RegExp;
}

/** A file of the disk, changed. */
function change(disk: PowerCutDisk, path: string, from: string, to: string): PowerCutDisk {
  const text = new TextDecoder().decode(disk.peek(path)!);
  assert(text.includes(from), `no ${from} in ${path}`);
  disk.plant(path, new TextEncoder().encode(text.replace(from, to)));
  return disk;
}

const READING = ["get", "log", "backup"];
const WRITING = ["set", "snapshot", "compact"];

const SITUATIONS: Situation[] = [
  {
    name: "a header that is no longer ours",
    make: (disk) => change(disk, segment(1), "ministate", "ministale"),
    commands: ["get", "set", "snapshot"],
    code: "FOREIGN_FORMAT",
    says: /"ministate verify" shows it, and "ministate repair" sets it aside$/,
  },
  {
    name: "the same, read from there",
    make: (disk) => change(disk, segment(1), "ministate", "ministale"),
    commands: ["log"],
    code: "FOREIGN_FORMAT",
    says: /"ministate verify" shows it, and "ministate repair" sets it aside$/,
  },
  {
    name: "a damaged header",
    make: (disk) => change(disk, segment(1), "timestamp", "timestomp"),
    commands: [...READING, ...WRITING],
    code: "CORRUPT",
    says: /"ministate (repair|verify)"/,
  },
  {
    name: "a damaged record",
    make: (disk) => change(disk, segment(1), '"/a"', '"/b"'),
    commands: [...READING, ...WRITING],
    code: "CORRUPT",
    says: /"ministate (repair|verify)"/,
  },
  {
    name: "files of two journals",
    make: async (disk) => {
      const other = await stateOn(freshDisk());
      assertEquals((await runHere(["snapshot", DIRECTORY], { fs: other })).code, 0);
      const snapshot = `${DIRECTORY}/document-0000000000000002.snapshot.jsonl`;
      disk.plant(snapshot, other.peek(snapshot)!);
      return disk;
    },
    commands: ["get", "set"],
    code: "FOREIGN_FORMAT",
    says: /"ministate repair" to set aside/,
  },
  {
    name: "another writer",
    make: async (disk) => {
      await StateManager.open(DIRECTORY, DOCUMENT_JOURNAL, documentMutator, { fs: disk });
      return disk;
    },
    commands: WRITING,
    code: "LOCKED",
    says: /close it first$/,
  },
  {
    name: "a file system that is mounted read-only",
    make: (disk) => refusing(disk, "EROFS"),
    commands: WRITING,
    code: "IO_FAILED",
    says: /mounted read-only; check the card$/,
  },
  {
    name: "a lock that can't be had in either way",
    make: (disk) => {
      const { fs } = badDisk(disk, { part: LOCK, code: "EBADMSG" });
      fs.lockDirectory = () => {
        throw systemError("ENOTSUP");
      };
      return fs;
    },
    commands: WRITING,
    code: "IO_FAILED",
    says: /Nothing was changed\. When fsck/,
  },
];

function refusing(disk: PowerCutDisk, code: string): DurableFs {
  const { fs } = badDisk(disk, { part: "never", code });
  fs.lock = () => {
    throw systemError(code);
  };
  return fs;
}

async function stateOn(disk: PowerCutDisk): Promise<PowerCutDisk> {
  for (const pointer of ["/a", "/c"]) {
    assertEquals((await runHere(["set", DIRECTORY, pointer, "1"], { fs: disk })).code, 0);
  }
  return disk;
}

for (const { name, make, commands, code, says } of SITUATIONS) {
  test(`the command advises only what it can do: ${name}`, async () => {
    for (const command of commands) {
      const rest = { set: ["/d", "1"], backup: ["/data/copy"] }[command] ?? [];
      const fs = await make(await stateOn(freshDisk()));
      for (const json of [[], ["--json"]]) {
        const { errors } = await runHere([command, DIRECTORY, ...rest, ...json], { fs });
        const text = json.length === 0 ? errors.trimEnd() : JSON.parse(errors).error.message;
        assertMatch(text, says, command);
        assert(!/readOnly|onCorruption|create:/.test(text), `${command}: ${text}`);
        if (json.length > 0) assertEquals(JSON.parse(errors).error.code, code, command);
      }
    }
  });
}
