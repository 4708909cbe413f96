// Everything the boards boot from, built from this checkout.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "../compile/bundle.ts";
import { compileWithBun } from "../compile/bun.ts";
import { root } from "../toolchain.ts";
import { buildInitramfs, buildPrograms } from "./boot_files.ts";
import type { Boot } from "./cut.ts";
import { cacheFolder, fetchFromNpm, type GuestFiles } from "./packages.ts";

/** The program on the board. */
export const boardProgram: string = join(root, "scripts", "rig", "guest", "board.ts");

/** The version of a runtime that is pinned. */
export function pinnedVersion(name: "bun" | "deno"): string {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies[name];
}

/** What the boards of one run need. */
export interface Boards {
  boot: Boot;
  /** The program as one file, for any runtime on this machine too. */
  program: string;
}

/** Builds what a board of the kind "virt" boots from, with the program compiled for Bun, and bundled for Deno. */
export async function buildBoards(files: GuestFiles): Promise<Boards> {
  const folder = join(cacheFolder, "boot");
  mkdirSync(folder, { recursive: true });
  const boot: Boot = {
    kernel: files.kernel,
    initramfs: join(folder, "virt.cpio.gz"),
    programs: join(folder, "programs.img"),
  };
  const compiled = join(folder, "board");
  const bundled = join(folder, "board.js");
  await compileWithBun({
    entry: boardProgram,
    target: "aarch64-unknown-linux-gnu",
    output: compiled,
  });
  await bundle(boardProgram, bundled);
  const deno = fetchFromNpm("@deno/linux-arm64-glibc", pinnedVersion("deno"), "deno");
  buildInitramfs("virt", files, boot.initramfs);
  buildPrograms(
    [
      { path: compiled, at: "bin/board" },
      { path: deno, at: "bin/deno" },
      { path: bundled, at: "lib/board.js" },
    ],
    files,
    boot.programs,
  );
  return { boot, program: bundled };
}
