// The tests that use the package alone: they can run on what is installed, on a Node that can't run the sources.

import { build } from "esbuild";
import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "../toolchain.ts";

/** So many there are at least: a mistake in how they are found must not look like success. */
const FILES_MIN = 12;
/** What a test must not load: the sources, or what starts them in a second process. */
const INNER = /^(src|runtime|testing|cli|simulation|scripts|bench)\//;
const SECOND_PROCESS = "node:child_process";

/** Compiles them into a folder, each into one file. Returns what Node is given to run them. */
export async function writePublicTests(folder: string): Promise<string[]> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: globSync("test/**/*.test.ts", { cwd: root }),
    outdir: join(folder, "tests"),
    outExtension: { ".js": ".mjs" },
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    target: ["es2022", "node20"],
    external: ["@ministate/*", "bun:*"],
    logLevel: "error",
  });
  const written: string[] = [];
  mkdirSync(join(folder, "tests"), { recursive: true });
  for (const [path, { inputs, imports }] of Object.entries(metafile.outputs)) {
    const isInner = Object.keys(inputs).some((input) => INNER.test(input));
    if (isInner || imports.some((each) => each.path === SECOND_PROCESS)) continue;
    const file = outputFiles.find((each) => each.path === join(root, path));
    written.push(join("tests", basename(path)));
    writeFileSync(join(folder, written.at(-1)!), file!.contents);
  }
  if (written.length >= FILES_MIN) return written;
  throw new Error(`Only ${written.length} test files use the package alone: ${written.join()}`);
}
