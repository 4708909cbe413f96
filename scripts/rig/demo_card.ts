// A card with what a person, or the telemetry demo, uses on an emulated board: the command and the keeper.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "../compile/bundle.ts";
import { compileWithBun } from "../compile/bun.ts";
import { root } from "../toolchain.ts";
import { pinnedVersion } from "./boards.ts";
import { buildPrograms } from "./boot_files.ts";
import { cacheFolder, fetchFromNpm, type GuestFiles } from "./packages.ts";

/** SD cards have sizes that are powers of two; QEMU takes no others. */
const CARD_MEBIBYTES = 1024;

/** Compiled with Bun, for boards that have no runtime. */
const COMPILED = {
  ministate: "cli.ts",
  telemetry: "examples/telemetry.ts",
  reader: "examples/demo/reader.ts",
};
/** Bundled for Deno, which is on the card too. */
const BUNDLED = { ministate: "cli.ts", telemetry: "examples/telemetry.ts" };

/** Builds the card, an ext4 file system that a board can have as its root. */
export async function buildDemoCard(files: GuestFiles, target: string): Promise<void> {
  const folder = join(cacheFolder, "demo");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const programs = [
    {
      path: fetchFromNpm("@deno/linux-arm64-glibc", pinnedVersion("deno"), "deno"),
      at: "bin/deno",
    },
    { path: join(import.meta.dirname!, "guest", "last_look.sh"), at: "lib/last_look.sh" },
  ];
  for (const [name, entry] of Object.entries(COMPILED)) {
    const output = join(folder, name);
    await compileWithBun({ entry: join(root, entry), target: "aarch64-unknown-linux-gnu", output });
    programs.push({ path: output, at: `bin/${name}` });
  }
  for (const [name, entry] of Object.entries(BUNDLED)) {
    const output = join(folder, `${name}.js`);
    await bundle(join(root, entry), output);
    programs.push({ path: output, at: `lib/${name}.js` });
  }
  buildPrograms(programs, files, target, CARD_MEBIBYTES);
  rmSync(folder, { recursive: true });
}
