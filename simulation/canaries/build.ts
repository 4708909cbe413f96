// Copies what the simulation needs into a separate folder, and breaks it there as a canary says.

import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Canary } from "./canary.ts";
import { root } from "../../scripts/toolchain.ts";

/** Everything that the simulation runs, and that a patch may change. */
const COPIED = [
  "mod.ts",
  "journal.ts",
  "snapshot.ts",
  "cli.ts",
  "testing.ts",
  "package.json",
  "deno.json",
  "src",
  "runtime",
  "testing",
  "cli",
  "simulation",
  "scripts/toolchain.ts",
  "test/support",
];

/** Copies the sources as they are now: whatever is edited meanwhile is for the next run. */
export function copySources(target: string): void {
  copy(root, target);
  symlinkSync(join(root, "node_modules"), join(target, "node_modules"));
}

/** Copies a copy, and breaks it. Throws when a patch doesn't fit the code as it is now. */
export function buildCanary(sources: string, target: string, canary: Canary): void {
  copy(sources, target);
  symlinkSync(join(root, "node_modules"), join(target, "node_modules"));
  for (const { file, find, replace } of canary.patches) {
    const path = join(target, file);
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    const count = text.split(find).length - 1;
    if (count !== 1) {
      throw new Error(
        `${file} holds the text of the canary "${canary.name}" ${count} times, wanted once. ` +
          `Adapt simulation/canaries to the new code:\n${find}`,
      );
    }
    // A function: a replacement text would have its dollar signs read as patterns.
    writeFileSync(path, text.replace(find, () => replace));
  }
}

function copy(from: string, to: string): void {
  for (const path of COPIED) {
    if (!existsSync(join(from, path))) continue;
    mkdirSync(dirname(join(to, path)), { recursive: true });
    cpSync(join(from, path), join(to, path), { recursive: true });
  }
}
