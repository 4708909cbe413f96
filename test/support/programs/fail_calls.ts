// Makes the calls of a file system on a file, and prints how each failed: as reported by the system's own call, and
// by our file system. Run under strace, which makes every call fail: see test/runtime/system_errors.test.ts.
// Usage: fail_calls.ts FILE

import fs from "node:fs";
import process from "node:process";
import { detectFs } from "../../../runtime/detect.ts";
import { own } from "../runtimes.ts";

const path = process.argv[2]!;
const bytes = new Uint8Array(3);

type Call = () => unknown;

function promised(call: (done: (error: Error | null) => void) => void): Promise<unknown> {
  return new Promise<void>((resolve, reject) => call((error) => error ? reject(error) : resolve()));
}

/** The same calls, made by the runtime itself. */
function rawCalls(): Record<string, Call> {
  if (own === "deno") {
    const file = Deno.openSync(path, { read: true, write: true });
    return {
      "write at once": () => file.writeSync(bytes),
      "write": () => file.write(bytes),
      "sync at once": () => file.syncDataSync(),
      "sync": () => file.syncData(),
      "truncate": () => file.truncate(1),
      "rename": () => Deno.rename(path, `${path}.new`),
    };
  }
  const fd = fs.openSync(path, "r+");
  return {
    "write at once": () => fs.writeSync(fd, bytes, 0, 3, 0),
    "write": () => promised((done) => fs.write(fd, bytes, 0, 3, 0, done)),
    "sync at once": () => fs.fdatasyncSync(fd),
    "sync": () => promised((done) => fs.fdatasync(fd, done)),
    "truncate": () => promised((done) => fs.ftruncate(fd, 1, done)),
    "rename": () => fs.promises.rename(path, `${path}.new`),
  };
}

async function ourCalls(): Promise<Record<string, Call>> {
  const runtimeFs = await detectFs();
  const file = await runtimeFs.open(path, "write");
  return {
    "write": () => file.write(bytes, 0),
    "sync": () => file.syncData(),
    "truncate": () => file.truncate(1),
    "rename": () => runtimeFs.rename(path, `${path}.new`),
  };
}

for (const [by, calls] of [["runtime", rawCalls()], ["ours", await ourCalls()]] as const) {
  for (const [call, make] of Object.entries(calls)) {
    try {
      await make();
      console.log(JSON.stringify({ by, call, code: null }));
    } catch (error) {
      const { code, errno, message } = error as { code?: string; errno?: number; message: string };
      console.log(JSON.stringify({ by, call, code, errno, message }));
    }
  }
}
