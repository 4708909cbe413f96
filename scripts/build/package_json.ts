// Says what the npm packages are: their entries, what they run on, and what the project says about itself.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../toolchain.ts";
import { ADDRESSES, COMMAND, KEYWORDS } from "./fields.ts";

// What scripts/consumers.ts runs. Of Bun and Deno, only the pinned versions are tried.
const LIBRARY_ENGINES = { node: "^20.19 || >=22.12" };
// Its argument parser needs a later one than the library.
const COMMAND_ENGINES = { node: ">=22.12" };

const project = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** What the command needs beside Node's own modules, with the versions that the tests run with. */
export const commandDependencies: Record<string, string> = project.dependencies;

/** The package.json of the library, which has no dependencies. */
export function libraryJson(entries: Record<string, string>): Record<string, unknown> {
  const exported = Object.entries(entries).map(([entry, file]) => [
    entry,
    { types: `./types/${file}.d.ts`, default: `./${file}.js` },
  ]);
  return {
    ...common(project.name, project.description),
    sideEffects: false,
    engines: LIBRARY_ENGINES,
    exports: { ...Object.fromEntries(exported), "./package.json": "./package.json" },
    files: ["*.js", "*.js.map", "shared", "types"],
  };
}

/** The package.json of the command. */
export function commandJson(program: string): Record<string, unknown> {
  return {
    ...common(COMMAND.name, COMMAND.description),
    engines: COMMAND_ENGINES,
    bin: { ministate: `./${program}` },
    files: ["*.js", "*.js.map", "shared"],
    dependencies: commandDependencies,
  };
}

function common(name: string, description: string): Record<string, unknown> {
  const { version, license } = project;
  const addresses = Object.entries(ADDRESSES).filter(([, address]) => address !== "");
  return {
    name,
    version,
    description,
    license,
    keywords: KEYWORDS,
    ...Object.fromEntries(addresses),
    type: "module",
  };
}
