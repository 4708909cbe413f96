/**
 * Installs the peers where {@linkcode load} looks for them, unless they are there.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { INSTALLED } from "./load.ts";

const SOURCES = fileURLToPath(new URL(".", import.meta.url));

/** Returns why they could not be installed, or an empty string. Each contender says so for itself afterwards. */
export function installPeers(): string {
  const lock = fs.readFileSync(join(SOURCES, "package-lock.json"), "utf8");
  const stamp = join(INSTALLED, "stamp");
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === lock) return "";
  console.log("Installing the peers (once; a later run reuses them)");
  fs.rmSync(stamp, { force: true });
  fs.mkdirSync(INSTALLED, { recursive: true });
  for (const name of ["package.json", "package-lock.json", ".npmrc"]) {
    fs.copyFileSync(join(SOURCES, name), join(INSTALLED, name));
  }
  // All of them bring their binaries along, so no script of a stranger has to run.
  const { status, error } = spawnSync("npm", ["ci", "--ignore-scripts", "--loglevel=error"], {
    cwd: INSTALLED,
    stdio: "inherit",
  });
  if (status !== 0) return `npm ci failed: ${error?.message ?? `exit code ${status}`}`;
  fs.writeFileSync(stamp, lock);
  return "";
}
