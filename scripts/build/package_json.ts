// Says what the packages are: their entries, what they run on, and what the project says about itself.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../toolchain.ts";
import { ADDRESSES, KEYWORDS } from "./fields.ts";

// What scripts/consumers.ts runs. Of Bun and Deno, only the pinned versions are tried.
const LIBRARY_ENGINES = { node: "^20.19 || >=22.12" };
// Its argument parser needs a later one than the library.
const COMMAND_ENGINES = { node: ">=22.12" };

/** What a package of the project says in its package.json. */
interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  /** What it needs beside Node's own modules, with the versions that the tests run with. */
  dependencies: Record<string, string>;
}

const library: Manifest = json("package.json");
/** The command's package. */
export const command: Manifest = json("cli/package.json");

/** The package.json of the library, which has no dependencies. */
export function libraryJson(entries: Record<string, string>): Record<string, unknown> {
  const exported = Object.entries(entries).map(([entry, file]) => [
    entry,
    { types: `./types/${file}.d.ts`, default: `./${file}.js` },
  ]);
  return {
    ...common(library),
    sideEffects: false,
    engines: LIBRARY_ENGINES,
    exports: { ...Object.fromEntries(exported), "./package.json": "./package.json" },
    files: ["*.js", "*.js.map", "shared", "types"],
  };
}

/** The package.json of the command, with its program and its manual page. */
export function commandJson(program: string, manual: string): Record<string, unknown> {
  return {
    ...common(command),
    engines: COMMAND_ENGINES,
    bin: { ministate: `./${program}` },
    man: `./${manual}`,
    files: ["*.js", "*.js.map", "shared", manual],
    dependencies: command.dependencies,
  };
}

/** The deno.json of the command. */
export function commandDenoJson(program: string): Record<string, unknown> {
  const { name, version, license } = command;
  return { name, version, license, exports: `./${program}` };
}

function common({ name, version, description, license }: Manifest): Record<string, unknown> {
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

// deno-lint-ignore no-explicit-any
function json(path: string): any {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}
