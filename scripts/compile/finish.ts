// What every binary goes through before it gets its name: the check of its layout, the repair, its checksum.

import { createHash } from "node:crypto";
import { chmodSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { CompileError } from "./compile_error.ts";
import { checkElf, describeFindings, type ElfReport } from "./elf.ts";
import { separateAppended } from "./elf_shift.ts";
import { targetOf } from "./targets.ts";

/** A binary that is ready to be copied to a board. */
export interface Finished {
  /** Its size in bytes. */
  size: number;
  sha256: string;
  /** The page sizes, in bytes, at which it can be loaded. */
  pageSizes: readonly number[];
  /** What was wrong with it before it was mended; empty when nothing was. */
  mended: string[];
}

/**
 * Checks the binary at `built`, moves it to `output`, and writes `OUTPUT.sha256` for `sha256sum -c`.
 * Throws {@linkcode CompileError}, and leaves `output` alone, when the target could not load it.
 */
export function finish(built: string, output: string, target: string): Finished {
  const { bytes, report, mended } = loadable(readFileSync(built), target);
  if (mended.length > 0) writeFileSync(built, bytes);
  chmodSync(built, 0o755);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  renameSync(built, output);
  writeFileSync(`${output}.sha256`, `${sha256}  ${basename(output)}\n`);
  return { size: bytes.length, sha256, pageSizes: report.pageSizes, mended };
}

interface Loadable {
  bytes: Uint8Array;
  report: ElfReport;
  mended: string[];
}

/** Returns the program as every page size of its target can load it. */
function loadable(bytes: Uint8Array, target: string): Loadable {
  const report = checkElf(bytes);
  const { machine } = report;
  if (machine !== null && machine !== targetOf(target).machine) {
    throw new CompileError(
      `The binary is for another machine (ELF number ${machine}) than ${target}: ` +
        "its base (--base, DENORT_BIN) must be one for that target",
    );
  }
  if (report.findings.length === 0) return { bytes, report, mended: [] };
  const problems = describeFindings(report.findings);
  const moved = machine === null ? "Its headers can't be read" : separateAppended(bytes);
  if (typeof moved !== "string") return { bytes: moved, report, mended: problems };
  throw new CompileError(
    `The binary would crash as it starts on ${target}, so it was not kept:\n` +
      `  ${problems.join("\n  ")}\n${moved}. Build with the other --runtime, or with another ` +
      "version of this one, and report it with these lines",
  );
}
