// Bundles entries into the JavaScript modules of a package.

import { build, type Plugin } from "esbuild";
import { globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../toolchain.ts";

export interface Bundle {
  /** The folder of the package; what was in it is deleted. */
  output: string;
  /** The source of each entry, by the name that the module gets. */
  entries: Record<string, string>;
  /** The oldest Node that must understand it. */
  target: string;
  /** The packages that are not bundled, and what they are imported as. */
  external?: Record<string, string>;
}

/**
 * Writes a module for each entry. Entries share the files that hold what they have in common, so that a class is the
 * same in all of them. What only one runtime needs stays in a file of its own, which is loaded there.
 */
export async function bundle({ output, entries, target, external = {} }: Bundle): Promise<void> {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: output,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    // Older than `using`, which is translated.
    target: ["es2022", target],
    external: ["node:*"],
    plugins: [importedAs(external)],
    // Older Nodes don't have it, and a package's own entry starts the command itself.
    define: { "import.meta.main": "false" },
    minifyWhitespace: true,
    // Node shows the line of an error that nobody caught.
    lineLimit: 160,
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

function importedAs(external: Record<string, string>): Plugin {
  return {
    name: "imported as",
    setup(build) {
      build.onResolve({ filter: /^[a-z]/ }, ({ path }) => {
        const name = external[path];
        return name === undefined ? undefined : { path: name, external: true };
      });
    },
  };
}

/** How many files a package has, and how large they are together. */
export function sizeOf(output: string): string {
  const files = globSync("**/*.*", { cwd: output }).map((path) =>
    readFileSync(join(output, path)).length
  );
  const size = files.reduce((sum, one) => sum + one, 0);
  return `${output}: ${files.length} files, ${size.toLocaleString("en")} bytes`;
}
