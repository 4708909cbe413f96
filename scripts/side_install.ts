// Installs what only one script needs, when it first runs, apart from the project's own packages.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./toolchain.ts";

/**
 * Installs what the lockfile in `scripts/NAME` lists, unless that has been done; returns the folder.
 *
 * @throws {Error} when npm fails
 */
export function installBeside(name: string): string {
  const sources = join(root, "scripts", name);
  // Not in scripts/: tools that read all files there would read thousands of foreign ones.
  const installed = join(root, "node_modules", ".ministate", name);
  const stamp = createHash("sha256").update(readFileSync(join(sources, "package-lock.json")))
    .digest("hex");
  const stampPath = join(installed, "stamp");
  if (existsSync(stampPath) && readFileSync(stampPath, "utf8") === stamp) return installed;
  console.log(`Installing the tools of scripts/${name} (once; a later run reuses them)`);
  mkdirSync(installed, { recursive: true });
  for (const file of ["package.json", "package-lock.json", ".npmrc"]) {
    copyFileSync(join(sources, file), join(installed, file));
  }
  const { status, error } = spawnSync("npm", ["ci", "--loglevel=error"], {
    cwd: installed,
    stdio: "inherit",
  });
  if (status !== 0) throw new Error(`npm ci failed: ${error?.message ?? `exit code ${status}`}`);
  writeFileSync(stampPath, stamp);
  return installed;
}
