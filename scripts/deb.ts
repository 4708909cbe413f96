// Packs a binary of the command as a Debian package: deb.ts [BINARY] [--output FILE] [--fast].
//
// The package holds one program with its manual page, completion for the shells and its licences, runs nothing when it
// is installed or removed, and needs only the C library. Its machine is that of the binary. With --fast it is quicker to
// build and a third larger.

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { MAINTAINER } from "./build/fields.ts";
import { command } from "./build/package_json.ts";
import { systemFiles } from "./build/shell_files.ts";
import { checkElf } from "./compile/elf.ts";
import { interpreterOf } from "./compile/elf_read.ts";
import { hostTarget, TARGETS } from "./compile/targets.ts";
import { root } from "./toolchain.ts";

/** Debian's names for the machines, by their numbers in ELF files. */
const ARCHITECTURES = new Map([
  [TARGETS["x86_64-unknown-linux-gnu"]!.machine, "amd64"],
  [TARGETS["aarch64-unknown-linux-gnu"]!.machine, "arm64"],
]);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { output: { type: "string" }, fast: { type: "boolean", default: false } },
});
const [binary = join(root, "dist", `ministate-${hostTarget()}`)] = positionals;
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const program = readFileSync(binary);
const { machine } = checkElf(program);
const architecture = ARCHITECTURES.get(machine ?? 0);
if (architecture === undefined) {
  console.error(`"${binary}" is no program for amd64 or arm64: build it with npm run compile`);
  process.exit(1);
}
// Debian's is glibc.
if (interpreterOf(program)?.includes("musl")) {
  console.error(
    `"${binary}" needs musl, which Debian doesn't have as its C library: give the one for gnu`,
  );
  process.exit(1);
}
const output = resolve(
  values.output ?? join(root, "dist", `ministate_${version}_${architecture}.deb`),
);
const folder = mkdtempSync(join(tmpdir(), "ministate-deb-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
// It stands for the root of the file system.
chmodSync(folder, 0o755);
place(binary, "usr/bin/ministate", 0o755);
placeText("usr/share/doc/ministate/copyright", 0o644, copyright());
for (const [path, content] of await systemFiles()) placeText(path, 0o644, content);
placeText("DEBIAN/control", 0o644, control(architecture));
const compression = values.fast ? ["-Zgzip", "-z1"] : ["-Zxz"];
mkdirSync(dirname(output), { recursive: true });
const { status, error } = spawnSync(
  "dpkg-deb",
  [...compression, "--root-owner-group", "--build", folder, output],
  { stdio: ["ignore", "ignore", "inherit"] },
);
if (status !== 0) {
  console.error(`dpkg-deb failed: ${error?.message ?? `exit code ${status}`}`);
  process.exit(1);
}
console.log(`${output}: ${architecture}, ${statSync(output).size.toLocaleString("en")} bytes`);

function place(source: string, path: string, mode: number): void {
  const target = join(folder, path);
  mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  copyFileSync(source, target);
  chmodSync(target, mode);
}

function placeText(path: string, mode: number, text: string | Uint8Array): void {
  const target = join(folder, path);
  mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  writeFileSync(target, text, { mode });
}

function control(architecture: string): string {
  const installed = Math.ceil(statSync(binary).size / 1024);
  return `Package: ministate
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${installed}
Depends: libc6
Section: utils
Priority: optional
Description: ${command.description}
`;
}

/** Both licences, between which a user may choose. */
function copyright(): string {
  const texts = ["LICENSE-MIT", "LICENSE-APACHE"].map((name) =>
    readFileSync(join(root, name), "utf8")
  );
  return `ministate is licensed under either of the two licences below, at your option.\n\n${
    texts.join("\n\n")
  }`;
}
