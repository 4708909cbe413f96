// Uses the packages as their users would, in empty projects outside the repository: consumers.ts [part of a row].
//
// The packages are built, packed, and published in a registry on this machine. Each row makes a project, installs one
// with a package manager, and then runs, type-checks, bundles or compiles a program there. The last line is
// "N passed, N failed".

import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { arch, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { startJsrServer } from "./consumers/jsr_server.ts";
import { byNpm, inProject, must, type Packed, type Setting } from "./consumers/project.ts";
import { startRegistry } from "./consumers/registry.ts";
import { path, type Row, rowsOf } from "./consumers/rows.ts";
import { installBeside } from "./side_install.ts";
import { binary, root } from "./toolchain.ts";

const deno = binary("deno"), node = binary("node");
const tools = join(installBeside("consumers"), "node_modules");
const [part = ""] = process.argv.slice(2);
const hasOlderNodes = arch() === "x64";
if (!hasOlderNodes) {
  console.log("LEFT OUT: the rows of older Nodes, which are installed for x64 only");
}
const isDebian = existsSync("/usr/bin/dpkg-deb");
if (!isDebian) console.log("LEFT OUT: the row of the Debian package, because dpkg is missing");
const chosen = rowsOf(tools).filter(({ consumer }) => consumer.includes(part))
  .filter(({ consumer }) => hasOlderNodes || !/Node \d/.test(consumer))
  .filter(({ consumer }) => isDebian || !consumer.includes("Debian"));
const scratch = mkdtempSync(join(tmpdir(), "ministate-consumers-"));
const registryFolder = join(scratch, "registry");
mkdirSync(registryFolder);
const registry = await startRegistry(node, tools, registryFolder);
await must(root, {}, node, join(root, "scripts", "build.ts"));
const jsr = await startJsrServer(deno, [root, join(root, "dist", "jsr-cli")]);
try {
  const env = environment(registry.url, jsr.url);
  const packed = await pack(env);
  const setting = { scratch, packed, npmrc: registry.npmrc, env };
  await publish(setting);
  console.log(await inProject(setting, sizes));
  const failures: string[] = [];
  for (const row of chosen) {
    const problem = await problemOf(row, setting);
    const verdict = problem === null ? row.says === undefined ? "clean" : "runs" : "FAILED";
    console.log(`${row.consumer.padEnd(44)} ${verdict}`);
    if (problem !== null) failures.push(`${row.consumer}: ${problem}`);
  }
  for (const failure of failures) console.log(`\nFAILED ${failure}`);
  console.log(`\n${chosen.length - failures.length} passed, ${failures.length} failed`);
  process.exitCode = failures.length === 0 && chosen.length > 0 ? 0 : 1;
} finally {
  jsr.stop();
  registry.stop();
  rmSync(scratch, { recursive: true, force: true });
}

/** What every program is run with: the servers, and caches that have never seen another build of the same version. */
function environment(registryUrl: string, jsrUrl: string): Record<string, string> {
  return {
    PATH: [path, process.env.PATH].join(delimiter),
    NPM_CONFIG_REGISTRY: registryUrl,
    npm_config_registry: registryUrl,
    npm_config_cache: join(scratch, "npm-cache"),
    BUN_INSTALL_CACHE_DIR: join(scratch, "bun-cache"),
    DENO_DIR: join(scratch, "deno-cache"),
    JSR_URL: jsrUrl,
    // Where bunx keeps what it installs.
    TMPDIR: scratch,
    DENO_NO_UPDATE_CHECK: "1",
    NO_UPDATE_NOTIFIER: "1",
  };
}

/** Packs the packages that were built. */
async function pack(env: Record<string, string>): Promise<Packed> {
  const packed = (folder: string) => must(join(root, "dist", folder), env, "npm", "pack", ...to);
  const to = ["--silent", "--pack-destination", scratch];
  const library = join(scratch, await packed("npm"));
  const command = join(scratch, await packed("npm-cli"));
  const jsrPacked = join(scratch, "jsr.tgz");
  await must(root, {}, deno, "pack", "--quiet", "--allow-dirty", "--output", jsrPacked);
  return { library, command, jsr: jsrPacked };
}

async function publish(setting: Setting): Promise<void> {
  await inProject(setting, async ({ packed, run }) => {
    for (const file of [packed.library, packed.command]) await run("npm", "publish", file);
  });
}

/** How large the library is, packed and installed. */
async function sizes(project: Parameters<typeof byNpm>[0]): Promise<string> {
  await byNpm(project);
  const modules = join(project.folder, "node_modules");
  const packages = globSync("{*,@*/*}/package.json", { cwd: modules }).length;
  const files = globSync("**/*", { cwd: modules }).map((file) => statSync(join(modules, file)));
  const installed = files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
  const kilobytes = (size: number) => `${Math.round(size / 1000).toLocaleString("en")} kB`;
  const [archive, tree] = [statSync(project.packed.library).size, installed].map(kilobytes);
  return `packed ${archive}, installed ${tree}, ${packages} package, ${
    packages - 1
  } dependencies\n`;
}

async function problemOf({ use, says = "" }: Row, setting: Setting): Promise<string | null> {
  try {
    const said = await inProject(setting, use);
    return said.startsWith(says) ? null : `it said "${said}"`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
