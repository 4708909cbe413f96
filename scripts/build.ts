// Builds the packages from the sources: build.ts. The library for npm goes into dist/npm, the command for npm into
// dist/npm-cli and for JSR into dist/jsr-cli. JSR takes the library's sources as they are.

import { copyFileSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { bundle, sizeOf } from "./build/bundle.ts";
import { command, commandDenoJson, commandJson, libraryJson } from "./build/package_json.ts";
import { manualPage } from "./build/shell_files.ts";
import { binary, root, run } from "./toolchain.ts";

/** The entries of the library. */
const ENTRIES = {
  ".": "mod",
  "./journal": "journal",
  "./snapshot": "snapshot",
  "./testing": "testing",
};
/** The entry of the command. */
const COMMAND = { ministate: "scripts/build/bin.ts" };
/** The manual page of the command's package. */
const MANUAL = "ministate.1";
const LICENSES = ["LICENSE-MIT", "LICENSE-APACHE"];

await buildLibrary(join(root, "dist", "npm"));
await buildCommand(join(root, "dist", "npm-cli"));
await buildCommandForJsr(join(root, "dist", "jsr-cli"));

async function buildLibrary(output: string): Promise<void> {
  const entries = Object.values(ENTRIES).map((name) => [name, `${name}.ts`]);
  await bundle({ output, entries: Object.fromEntries(entries), target: "node20" });
  await declare(join(output, "types"));
  complete(output, libraryJson(ENTRIES), ["README.md", "CHANGELOG.md", ...LICENSES]);
}

async function buildCommand(output: string): Promise<void> {
  const names = Object.keys(command.dependencies);
  const external = Object.fromEntries(names.map((name) => [name, name]));
  await bundle({ output, entries: COMMAND, target: "node22", external });
  writeFileSync(join(output, MANUAL), manualPage());
  complete(output, commandJson("ministate.js", MANUAL), ["cli/README.md", ...LICENSES]);
}

/** JSR takes no file from outside a package's folder, and the command uses inner modules of the library. */
async function buildCommandForJsr(output: string): Promise<void> {
  const versions = Object.entries(command.dependencies);
  const external = Object.fromEntries(
    versions.map(([name, version]) => [name, `npm:${name}@${version}`]),
  );
  await bundle({ output, entries: COMMAND, target: "node22", external });
  complete(output, commandDenoJson("ministate.js"), ["cli/README.md", ...LICENSES], "deno.json");
}

/** Adds what a package has beside its modules. */
function complete(
  output: string,
  manifest: Record<string, unknown>,
  documents: string[],
  name = "package.json",
): void {
  for (const path of documents) copyFileSync(join(root, path), join(output, basename(path)));
  writeFileSync(join(output, name), JSON.stringify(manifest, null, 2) + "\n");
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
