// Builds the npm package of the library from its sources: build.ts, into dist/npm.
//
// The entries share the files that hold what they have in common, so that a class is the same in all of them. What only
// one runtime needs stays in a file of its own, which is loaded there. The declarations are a file for each source.

import { build } from "esbuild";
import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { packageJson } from "./build/package_json.ts";
import { binary, root, run } from "./toolchain.ts";

/** The entries of the library. The command is a package of its own. */
const ENTRIES = {
  ".": "mod",
  "./journal": "journal",
  "./snapshot": "snapshot",
  "./testing": "testing",
};
const DOCUMENTS = ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];
const output = join(root, "dist", "npm");

rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
await bundle();
await declare();
for (const name of DOCUMENTS) copyFileSync(join(root, name), join(output, name));
writeFileSync(join(output, "package.json"), JSON.stringify(packageJson(ENTRIES), null, 2) + "\n");
const files = globSync("**/*.*", { cwd: output }).map((path) =>
  readFileSync(join(output, path)).length
);
const size = files.reduce((sum, one) => sum + one, 0);
console.log(`${output}: ${files.length} files, ${size.toLocaleString("en")} bytes`);

async function bundle(): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: Object.values(ENTRIES).map((name) => `${name}.ts`),
    outdir: output,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    // What Node 20 understands: `using` is translated.
    target: ["es2022", "node20"],
    external: ["node:*"],
    minifyWhitespace: true,
    minifySyntax: true,
    // Of classes, in messages and traces.
    keepNames: true,
    sourcemap: "linked",
    // Traces then name our files and lines, without a third copy of every file in the package.
    sourcesContent: false,
    legalComments: "none",
    chunkNames: "shared/[name]-[hash]",
    logLevel: "warning",
  });
}

async function declare(): Promise<void> {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const types = join(output, "types");
  const { ok, output: said } = await run(binary("node"), [
    tsc,
    "-p",
    join(root, "scripts", "build", "tsconfig.json"),
    "--outDir",
    types,
  ]);
  if (!ok) {
    console.error(said);
    process.exit(1);
  }
  for (const path of globSync("**/*.d.ts", { cwd: types })) {
    const file = join(types, path);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace(/((?:from|import\()\s*"\.[^"]*)\.ts"/g, '$1.js"'));
  }
}
