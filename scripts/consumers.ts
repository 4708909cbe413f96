// Uses the npm package as its users would, in empty projects outside the repository: consumers.ts [part of a row].
//
// The package is built and packed. Each row makes a project, installs the packed file with a package manager, and then
// runs, type-checks, bundles or compiles a program there. The last line is "N passed, N failed".

import { copyFileSync, globSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { statSync, writeFileSync } from "node:fs";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { installBeside } from "./side_install.ts";
import { binary, root, run } from "./toolchain.ts";

/** Node's lines before the pinned one; of each, the oldest version that the package says it runs on. */
const NODES = [20, 22, 24];
const PLAIN = "plain.js";
const TYPED = "typed.ts";
const programs = join(root, "scripts", "consumers", "programs");
const esbuild = join(root, "node_modules", "esbuild", "bin", "esbuild");
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
// Nothing of the project's own types: what the package needs, it must bring.
const STRICT = [
  "--noEmit",
  "--strict",
  "--exactOptionalPropertyTypes",
  "--noUncheckedIndexedAccess",
];
const TARGET = ["--target", "es2022", "--lib", "es2023,dom,esnext.disposable", "--types", ""];

interface Row {
  consumer: string;
  /** Installs the packed file in an empty project, uses it there, and returns the last line of what was said. */
  use: (project: Project) => Promise<string>;
  /** What that line must begin with; missing when it is enough that nothing failed. */
  says?: string;
}

/** An empty project. */
interface Project {
  folder: string;
  /** The package, packed. */
  packed: string;
  /** Runs a program there to its end; returns what it said. Throws when it fails. */
  run(command: string, ...args: string[]): Promise<string>;
}

const COUNTED = "mutation 1: the value is 10";
const deno = binary("deno"), bun = binary("bun"), node = binary("node");
const tools = join(installBeside("consumers"), "node_modules");
const rows: Row[] = [
  ...NODES.map((line) => ({
    consumer: `Node ${line}`,
    says: COUNTED,
    use: async (project: Project) => {
      await byNpm(project);
      return await project.run(olderNode(line), PLAIN);
    },
  })),
  {
    consumer: "Node 24, await using and types",
    says: COUNTED,
    use: byNpmAndRun(olderNode(24), TYPED),
  },
  { consumer: "Node of the tests", says: COUNTED, use: byNpmAndRun(node, TYPED) },
  { consumer: "Bun", says: COUNTED, use: byBunAndRun },
  { consumer: "Deno with node_modules", says: COUNTED, use: byNpmAndRun(deno, "run", "-A", TYPED) },
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
  { consumer: "tsc strict, NodeNext", use: byNpmAndCompile("nodenext", "nodenext") },
  { consumer: "tsc strict, Bundler", use: byNpmAndCompile("esnext", "bundler") },
  { consumer: "deno check", use: byNpmAndRun(deno, "check", TYPED) },
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
  { consumer: "bun build --compile", says: COUNTED, use: compiled },
  {
    consumer: "publint",
    use: ({ packed, run }) => run(node, join(tools, "publint", "src", "cli.js"), packed),
  },
  { consumer: "attw, as an ES module", use: attw },
];

const [part = ""] = process.argv.slice(2);
const hasOlderNodes = arch() === "x64";
if (!hasOlderNodes) {
  console.log("LEFT OUT: the rows of older Nodes, which are installed for x64 only");
}
const chosen = rows.filter(({ consumer }) => consumer.includes(part))
  .filter(({ consumer }) => hasOlderNodes || !/Node \d/.test(consumer));
const scratch = mkdtempSync(join(tmpdir(), "ministate-consumers-"));
try {
  const packed = await pack();
  const failures: string[] = [];
  for (const row of chosen) {
    const problem = await problemOf(row, packed);
    const verdict = problem === null ? row.says === undefined ? "clean" : "runs" : "FAILED";
    console.log(`${row.consumer.padEnd(44)} ${verdict}`);
    if (problem !== null) failures.push(`${row.consumer}: ${problem}`);
  }
  for (const failure of failures) console.log(`\nFAILED ${failure}`);
  console.log(`\n${chosen.length - failures.length} passed, ${failures.length} failed`);
  process.exitCode = failures.length === 0 && chosen.length > 0 ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Builds and packs the package, and says how large it is, packed and installed. */
async function pack(): Promise<string> {
  await must(root, node, join(root, "scripts", "build.ts"));
  await must(join(root, "dist", "npm"), "npm", "pack", "--pack-destination", scratch);
  const packed = join(scratch, readdirSync(scratch).find((name) => name.endsWith(".tgz"))!);
  const project = projectFor(packed);
  await byNpm(project);
  const modules = join(project.folder, "node_modules");
  const packages = globSync("{*,@*/*}/package.json", { cwd: modules }).length;
  const files = globSync("**/*", { cwd: modules }).map((path) => statSync(join(modules, path)));
  const installed = files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
  const kilobytes = (size: number) => `${Math.round(size / 1000).toLocaleString("en")} kB`;
  const [archive, tree] = [statSync(packed).size, installed].map(kilobytes);
  console.log(`packed ${archive}, installed ${tree}, ${packages} package, 0 dependencies\n`);
  return packed;
}

function projectFor(packed: string): Project {
  const folder = mkdtempSync(join(scratch, "project-"));
  writeFileSync(join(folder, "package.json"), '{ "name": "consumer", "type": "module" }\n');
  for (const name of [PLAIN, TYPED]) copyFileSync(join(programs, name), join(folder, name));
  return { folder, packed, run: (command, ...args) => must(folder, command, ...args) };
}

async function problemOf({ use, says = "" }: Row, packed: string): Promise<string | null> {
  const project = projectFor(packed);
  try {
    const said = await use(project);
    return said.startsWith(says) ? null : `it said "${said}"`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(project.folder, { recursive: true, force: true });
  }
}

/** Runs a program; returns the last line of its output, or throws all of it. */
async function must(cwd: string, command: string, ...args: string[]): Promise<string> {
  const env = { DENO_NO_UPDATE_CHECK: "1", NO_UPDATE_NOTIFIER: "1" };
  const { ok, output, reason } = await run(command, args, { cwd, env });
  if (!ok) throw new Error(`${command} ${args.join(" ")} ${reason}:\n${output}`);
  return output.trimEnd().split("\n").at(-1)!;
}

function byNpm({ packed, run }: Project): Promise<string> {
  return run("npm", "install", "--no-audit", "--no-fund", packed);
}

function byNpmAndRun(command: string, ...args: string[]): Row["use"] {
  return async (project) => {
    await byNpm(project);
    // With permissions for it alone, a program can't make the directory durable in the one above.
    mkdirSync(join(project.folder, "state"));
    return await project.run(command, ...args);
  };
}

async function byBunAndRun({ packed, run }: Project): Promise<string> {
  await run(bun, "add", packed);
  return await run(bun, TYPED);
}

function byNpmAndCompile(module: string, resolution: string): Row["use"] {
  const how = ["--module", module, "--moduleResolution", resolution];
  return byNpmAndRun(node, tsc, ...STRICT, ...TARGET, ...how, TYPED);
}

/** Makes one file of the program and the package, which runs without the package. */
async function bundled(project: Project, command: string, ...args: string[]): Promise<string> {
  await byNpm(project);
  const how = ["--bundle", "--minify", "--format=esm", "--platform=node", "--outfile=bundle.js"];
  await project.run(esbuild, PLAIN, ...how);
  rmSync(join(project.folder, "node_modules"), { recursive: true });
  return await project.run(command, ...args, "bundle.js");
}

async function compiled({ packed, folder, run }: Project): Promise<string> {
  await run(bun, "add", packed);
  await run(bun, "build", "--compile", "--outfile=program", TYPED);
  rmSync(join(folder, "node_modules"), { recursive: true });
  return await run(join(folder, "program"));
}

/** CommonJS programs import it, or require it where Node can require a module. */
function attw({ packed, run }: Project): Promise<string> {
  const cli = join(tools, "@arethetypeswrong", "cli", "dist", "index.js");
  return run(node, cli, "--profile", "esm-only", "--no-emoji", packed);
}

/** They are installed for x64 only: not every version is published for arm64. */
function olderNode(line: number): string {
  return join(tools, `node-${line}`, "bin", "node");
}
