// Says what the npm package is: its entries, what it runs on, and what the project says about itself.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../toolchain.ts";
import { ADDRESSES, KEYWORDS } from "./fields.ts";

/** The contents of the package's package.json. */
export function packageJson(entries: Record<string, string>): Record<string, unknown> {
  const { name, version, description, license } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  const exported = Object.entries(entries).map(([entry, file]) => [
    entry,
    { types: `./types/${file}.d.ts`, default: `./${file}.js` },
  ]);
  const addresses = Object.entries(ADDRESSES).filter(([, address]) => address !== "");
  return {
    name,
    version,
    description,
    license,
    keywords: KEYWORDS,
    ...Object.fromEntries(addresses),
    type: "module",
    sideEffects: false,
    // What scripts/consumers.ts runs. Of Bun and Deno, only the pinned versions are tried.
    engines: { node: "^20.19 || >=22.12" },
    exports: { ...Object.fromEntries(exported), "./package.json": "./package.json" },
    files: ["*.js", "*.js.map", "shared", "types"],
  };
}
