// Builds the npm packages from the sources: build.ts, the library into dist/npm, the command into dist/npm-cli.

import { copyFileSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { bundle, sizeOf } from "./build/bundle.ts";
import { commandDependencies, commandJson, libraryJson } from "./build/package_json.ts";
import { binary, root, run } from "./toolchain.ts";

/** The entries of the library. */
const ENTRIES = {
  ".": "mod",
  "./journal": "journal",
  "./snapshot": "snapshot",
  "./testing": "testing",
};
const LICENSES = ["LICENSE-MIT", "LICENSE-APACHE"];

await buildLibrary(join(root, "dist", "npm"));
await buildCommand(join(root, "dist", "npm-cli"));

async function buildLibrary(output: string): Promise<void> {
  const entries = Object.values(ENTRIES).map((name) => [name, `${name}.ts`]);
  await bundle({ output, entries: Object.fromEntries(entries), target: "node20" });
  await declare(join(output, "types"));
  complete(output, libraryJson(ENTRIES), ["README.md", "CHANGELOG.md", ...LICENSES]);
}

async function buildCommand(output: string): Promise<void> {
  await bundle({
    output,
    entries: { ministate: "scripts/build/bin.ts" },
    target: "node22",
    external: Object.keys(commandDependencies),
  });
  complete(output, commandJson("ministate.js"), LICENSES);
  copyFileSync(join(root, "cli", "README.md"), join(output, "README.md"));
}

/** Adds what a package has beside its modules. */
function complete(output: string, manifest: Record<string, unknown>, documents: string[]): void {
  for (const name of documents) copyFileSync(join(root, name), join(output, name));
  writeFileSync(join(output, "package.json"), JSON.stringify(manifest, null, 2) + "\n");
  console.log(sizeOf(output));
}

/** Writes declarations, a file for each source. */
async function declare(types: string): Promise<void> {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const config = join(root, "scripts", "build", "tsconfig.json");
  const { ok, output } = await run(binary("node"), [tsc, "-p", config, "--outDir", types]);
  if (!ok) {
    console.error(output);
    process.exit(1);
  }
  for (const path of globSync("**/*.d.ts", { cwd: types })) {
    const file = join(types, path);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace(/((?:from|import\()\s*"\.[^"]*)\.ts"/g, '$1.js"'));
  }
}
