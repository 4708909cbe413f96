// Who installs the packages, how, and what they do with them.

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemFiles } from "../build/shell_files.ts";
import { binary, root } from "../toolchain.ts";
import { writePublicTests } from "./public_tests.ts";
import { bundled, compiled, incomplete } from "./bundles.ts";
import { byNpm, LIBRARY, type Packed, PLAIN, type Project, TYPED } from "./project.ts";

/** One kind of user. */
export interface Row {
  consumer: string;
  /** Installs a package in an empty project, uses it there, and returns the last line of what was said. */
  use: (project: Project) => Promise<string>;
  /** What that line must begin with; missing when it is enough that nothing failed. */
  says?: string;
}

const COMMAND = "@ministate/cli";
const COUNTED = "mutation 1: the value is 10";
const LIT = '"on"';
/** Node's lines before the pinned one; of each, the oldest version that the package says it runs on. */
const NODES = [20, 22, 24];
/** Deno refuses what was published less than a day ago. */
const ANY_AGE = "--minimum-dependency-age=0";
const deno = binary("deno"), bun = binary("bun"), node = binary("node");
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
// Nothing of the project's own types: what the package needs, it must bring.
const STRICT = [
  "--noEmit",
  "--strict",
  "--exactOptionalPropertyTypes",
  "--noUncheckedIndexedAccess",
];
const TARGET = ["--target", "es2022", "--lib", "es2023,dom,esnext.disposable", "--types", ""];

/** All kinds of users; `tools` is the folder in which the tools of some are installed. */
export function rowsOf(tools: string): Row[] {
  // They are installed for x64 only: not every version is published for arm64.
  const olderNode = (line: number) => join(tools, `node-${line}`, "bin", "node");
  return [
    ...programs(olderNode),
    ...publicTests(olderNode),
    ...typeChecks(),
    ...bundles(olderNode),
    ...packageChecks(tools),
    ...jsr(),
    ...commands(olderNode(20)),
  ];
}

/** Gives the path of the oldest Node of a line that the package runs on. */
type OlderNode = (line: number) => string;

function programs(olderNode: OlderNode): Row[] {
  return [
    ...NODES.map((line) => ({
      consumer: `Node ${line}`,
      says: COUNTED,
      use: byNpmAndRun(olderNode(line), PLAIN),
    })),
    {
      consumer: "Node 24, await using and types",
      says: COUNTED,
      use: byNpmAndRun(olderNode(24), TYPED),
    },
    {
      consumer: "Node 18, which is too old",
      says: "This is Node 18.20.8, and ministate needs 20.19, 22.12 or later",
      use: (project) => libraryTooOld(project, olderNode(18)),
    },
    { consumer: "Node of the tests", says: COUNTED, use: byNpmAndRun(node, TYPED) },
    { consumer: "Bun", says: COUNTED, use: byBunAndRun },
    { consumer: "Deno, deno add npm:", says: COUNTED, use: byDenoAndRun },
    {
      consumer: "Deno with node_modules of npm",
      says: COUNTED,
      use: byNpmAndRun(deno, "run", "-A", TYPED),
    },
    {
      consumer: "Deno, permissions for the directory alone",
      says: COUNTED,
      use: byNpmAndRun(
        deno,
        "run",
        "--no-prompt",
        "--allow-read=state",
        "--allow-write=state",
        PLAIN,
      ),
    },
  ];
}

/** The package on Nodes that can't run the sources, from which the other tests are run. */
function publicTests(olderNode: OlderNode): Row[] {
  return NODES.map((line) => ({
    consumer: `Node ${line}, the tests that use the package alone`,
    use: async ({ folder, packed, run }) => {
      await run("npm", "install", packed.library);
      return await run(olderNode(line), "--test", ...await writePublicTests(folder));
    },
  }));
}

function typeChecks(): Row[] {
  return [
    { consumer: "tsc strict, NodeNext", use: byNpmAndCompile("nodenext", "nodenext") },
    { consumer: "tsc strict, Bundler", use: byNpmAndCompile("esnext", "bundler") },
    { consumer: "deno check", use: byNpmAndRun(deno, "check", TYPED) },
  ];
}

function bundles(olderNode: OlderNode): Row[] {
  return [
    {
      consumer: "esbuild, run by Node 20",
      says: COUNTED,
      use: (project) => bundled(project, olderNode(20)),
    },
    { consumer: "esbuild, run by Bun", says: COUNTED, use: (project) => bundled(project, bun) },
    {
      consumer: "esbuild, run by Deno",
      says: COUNTED,
      use: (project) => bundled(project, deno, "run", "-A"),
    },
    {
      consumer: "esbuild, a piece left out",
      says: "the module of ministate for this runtime can't be loaded",
      use: incomplete,
    },
    { consumer: "bun build --compile", says: COUNTED, use: compiled },
  ];
}

function packageChecks(tools: string): Row[] {
  const publint = (which: keyof Packed) => ({ packed, run }: Project) =>
    run(node, join(tools, "publint", "src", "cli.js"), packed[which]);
  return [
    { consumer: "publint", use: publint("library") },
    { consumer: "publint of the command", use: publint("command") },
    { consumer: "attw, as an ES module", use: (project) => attw(project, tools) },
  ];
}

function jsr(): Row[] {
  return [
    { consumer: "JSR, deno add jsr:", says: COUNTED, use: byJsrAndRun("run", "-A", TYPED) },
    { consumer: "JSR, deno check", use: byJsrAndRun("check", TYPED) },
    { consumer: "JSR through npm, Node of the tests", says: COUNTED, use: jsrByNpm(TYPED) },
    {
      consumer: "JSR through npm, tsc strict, NodeNext",
      use: jsrByNpm(...compiler("nodenext", "nodenext")),
    },
    {
      consumer: "JSR through npm, tsc strict, Bundler",
      use: jsrByNpm(...compiler("esnext", "bundler")),
    },
  ];
}

function commands(tooOld: string): Row[] {
  return [
    { consumer: "the command by npx", says: LIT, use: (project) => lamp(project, "npx", "--yes") },
    { consumer: "the command by npm install -g", says: LIT, use: commandByNpm },
    { consumer: "the command by bunx", says: LIT, use: (project) => lamp(project, bun, "x") },
    { consumer: "the command by deno install -g", says: LIT, use: commandByDeno },
    { consumer: "the command by deno install -g jsr:", says: LIT, use: commandByJsr },
    { consumer: "the command from a Debian package", says: LIT, use: commandByDpkg },
    {
      consumer: "the command on Node 20, which is too old",
      says: "ministate: this is Node 20.19.0, and the command needs 22.12 or later",
      use: (project) => commandTooOld(project, tooOld),
    },
  ];
}

/** Installs the library with npm. */
function byNpmAndRun(command: string, ...args: string[]): Row["use"] {
  return async (project) => {
    await byNpm(project);
    return await project.run(command, ...args);
  };
}

/** What the error of an open says, and that nothing was made. */
async function libraryTooOld({ folder, run }: Project, old: string): Promise<string> {
  await run("npm", "install", LIBRARY);
  const said = await run("sh", "-c", `${old} ${PLAIN} 2>&1 | grep -o "This is Node [1-9].*"`);
  return readdirSync(join(folder, "state")).length === 0 ? said : "something was made";
}

async function byBunAndRun({ run }: Project): Promise<string> {
  await run(bun, "add", LIBRARY);
  return await run(bun, TYPED);
}

async function byDenoAndRun({ run }: Project): Promise<string> {
  await run(deno, "add", ANY_AGE, `npm:${LIBRARY}`);
  return await run(deno, "run", "-A", TYPED);
}

function byNpmAndCompile(module: string, resolution: string): Row["use"] {
  return byNpmAndRun(node, ...compiler(module, resolution));
}

function compiler(module: string, resolution: string): string[] {
  const how = ["--module", module, "--moduleResolution", resolution];
  return [tsc, ...STRICT, ...TARGET, ...how, TYPED];
}

/** CommonJS programs import it, or require it where Node can require a module. */
function attw({ packed, run }: Project, tools: string): Promise<string> {
  const cli = join(tools, "@arethetypeswrong", "cli", "dist", "index.js");
  return run(node, cli, "--profile", "esm-only", "--no-emoji", packed.library);
}

function byJsrAndRun(...args: string[]): Row["use"] {
  return async ({ folder, run }) => {
    rmSync(join(folder, "package.json"));
    writeFileSync(join(folder, "deno.json"), "{}\n");
    await run(deno, "add", `jsr:${LIBRARY}`);
    return await run(deno, ...args);
  };
}

function jsrByNpm(...args: string[]): Row["use"] {
  return async ({ packed, run }) => {
    await run("npm", "install", packed.jsr);
    return await run(node, ...args);
  };
}

/** Sets a value and gets it, with the command that `start` runs. */
async function lamp({ run }: Project, ...start: string[]): Promise<string> {
  const [command = "", ...args] = [...start, COMMAND];
  await run(command, ...args, "set", "lamps", "/lamp", LIT);
  return await run(command, ...args, "get", "lamps", "/lamp");
}

async function commandByNpm({ folder, run }: Project): Promise<string> {
  await run("npm", "install", "--global", "--prefix", folder, COMMAND);
  if (!existsSync(join(folder, "share", "man", "man1", "ministate.1"))) return "it has no manual";
  const ministate = join(folder, "bin", "ministate");
  await run(ministate, "set", "lamps", "/lamp", LIT);
  return await run(ministate, "get", "lamps", "/lamp");
}

async function commandByDeno(project: Project): Promise<string> {
  return await commandFrom(project, `npm:${COMMAND}`);
}

async function commandByJsr(project: Project): Promise<string> {
  return await commandFrom(project, `jsr:${COMMAND}`);
}

async function commandFrom({ folder, run }: Project, source: string): Promise<string> {
  const permissions = ["--allow-read", "--allow-write", "--allow-env"];
  const how = ["--global", "--root", folder, "--name", "ministate", ...permissions];
  await run(deno, "install", ANY_AGE, ...how, source);
  const ministate = join(folder, "bin", "ministate");
  await run(ministate, "set", "lamps", "/lamp", LIT);
  return await run(ministate, "get", "lamps", "/lamp");
}

/** Compiles it, packs it, installs it in an empty root, uses it there, and removes it. */
async function commandByDpkg({ folder, run }: Project): Promise<string> {
  const binary = join(folder, "binary"), deb = join(folder, "ministate.deb");
  const system = join(folder, "system"), admin = join(system, "var", "lib", "dpkg");
  await run(node, join(root, "scripts", "compile.ts"), "--runtime", "bun", "--output", binary);
  await run(node, join(root, "scripts", "deb.ts"), "--fast", "--output", deb, binary);
  for (const name of ["info", "updates"]) mkdirSync(join(admin, name), { recursive: true });
  for (const name of ["status", "available"]) writeFileSync(join(admin, name), "");
  // What it depends on is in the real root, which no test may change.
  const dpkg = ["--force-not-root", "--force-depends", `--root=${system}`];
  await run("dpkg", ...dpkg, "--install", deb);
  const ministate = join(system, "usr", "bin", "ministate");
  await run(ministate, "set", "lamps", "/lamp", LIT);
  const said = await run(ministate, "get", "lamps", "/lamp");
  for (const path of (await systemFiles()).keys()) {
    if (!existsSync(join(system, path))) return `it lacks ${path}`;
  }
  await run("dpkg", ...dpkg, "--remove", "ministate");
  return existsSync(join(system, "usr")) ? "something of it is left" : said;
}

async function commandTooOld({ folder, run }: Project, old: string): Promise<string> {
  await run("npm", "install", COMMAND);
  const ministate = join(folder, "node_modules", ".bin", "ministate");
  // The exit code must say it, too.
  return await run("sh", "-c", `! ${old} ${ministate} --version`);
}

/** Where the programs are that a user has on the path. */
export const path: string = [node, bun, deno].map((program) => dirname(program)).join(":");
