// Programs that a bundler makes of a user's own and the package, so that they run without it.

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { binary, root } from "../toolchain.ts";
import { byNpm, LIBRARY, PLAIN, type Project, TYPED } from "./project.ts";

const esbuild = join(root, "node_modules", "esbuild", "bin", "esbuild");
const bun = binary("bun"), node = binary("node");

/** Makes one file of the program and the package, which runs without the package. */
export async function bundled(
  project: Project,
  command: string,
  ...args: string[]
): Promise<string> {
  await byNpm(project);
  const how = ["--bundle", "--minify", "--format=esm", "--platform=node", "--outfile=bundle.js"];
  await project.run(esbuild, PLAIN, ...how);
  rmSync(join(project.folder, "node_modules"), { recursive: true });
  return await project.run(command, ...args, "bundle.js");
}

/** Makes several files, and leaves out the one that is loaded at the first `open`. */
export async function incomplete(project: Project): Promise<string> {
  await byNpm(project);
  const how = ["--bundle", "--splitting", "--format=esm", "--platform=node", "--outdir=bundle"];
  await project.run(esbuild, PLAIN, ...how);
  const folder = join(project.folder, "bundle");
  const left = readdirSync(folder).filter((name) => name.startsWith("node_fs-"));
  if (left.length === 0) throw new Error(`No piece for Node in ${readdirSync(folder)}`);
  for (const name of left) rmSync(join(folder, name));
  const outcome = await project.run(node, "bundle/plain.js").catch(String);
  return outcome.match(/the module of ministate.*/)?.[0] ?? outcome;
}

/** Makes an executable of it, with Bun in it. */
export async function compiled({ folder, run }: Project): Promise<string> {
  await run(bun, "add", LIBRARY);
  await run(bun, "build", "--compile", "--outfile=program", TYPED);
  rmSync(join(folder, "node_modules"), { recursive: true });
  return await run(join(folder, "program"));
}
