// Sets up, then runs one file on one pinned runtime: run.mjs <deno|bun|node|caller> <file> [arguments].
//
// `caller` is Bun under `bun run` and Node otherwise. The program and its children find the pinned
// binaries in MINISTATE_DENO, MINISTATE_BUN and MINISTATE_NODE.

import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { binaries, root, setup } from "./setup.mjs";

const [asked, file, ...args] = process.argv.slice(2);
const underBun = (process.env.npm_config_user_agent ?? "").startsWith("bun/");
const runtime = asked === "caller" ? (underBun ? "bun" : "node") : asked;
const flags = {
  deno: ["run", "--quiet", "--allow-read", "--allow-write", "--allow-env"],
  bun: ["run"],
  node: [],
};
const takesPaths = ["cli.ts", "scripts/compile.ts", "scripts/deb.ts"];
if (flags[runtime] === undefined || file === undefined) {
  process.stderr.write("Usage: run.mjs <deno|bun|node|caller> <file> [arguments]\n");
  process.exit(64);
}

setup();
const child = spawn(binaries[runtime], [...flags[runtime], join(root, file), ...args], {
  // npm and Deno change to the top folder first; paths the user typed mean the folder they typed them in.
  cwd: takesPaths.includes(file) ? process.env.INIT_CWD ?? process.cwd() : root,
  env: {
    ...process.env,
    DENO_NO_UPDATE_CHECK: "1",
    MINISTATE_DENO: binaries.deno,
    MINISTATE_BUN: binaries.bun,
    MINISTATE_NODE: binaries.node,
  },
  stdio: "inherit",
});
// The terminal sends an interrupt to both; the child decides how to end, and this process follows it.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("error", (error) => {
  process.stderr.write(`Cannot start ${runtime}: ${error.message}\n`);
  process.exitCode = 1;
});
child.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
});
