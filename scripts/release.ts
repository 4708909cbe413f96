// Makes everything that a release consists of, in dist/release: release.ts [--rehearsal].
//
// The packages for npm, packed; the command as a binary for each target, and as a Debian package for each machine; the
// checksums of all. Nothing is published. The changelog must have a section for the version, except in a rehearsal,
// which also packs the Debian packages quickly. docs/releasing.md says what comes before and after.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { TARGETS } from "./compile/targets.ts";
import { binary, root, run } from "./toolchain.ts";

const { values } = parseArgs({ options: { rehearsal: { type: "boolean", default: false } } });
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const output = join(root, "dist", "release");
const node = binary("node");

if (!values.rehearsal) refuseWithoutSection();
rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
await script("build.ts");
for (const name of ["npm", "npm-cli"]) {
  await must("npm", ["pack", "--silent", "--pack-destination", output, join(root, "dist", name)]);
}
for (const target of Object.keys(TARGETS)) {
  const path = join(output, `ministate-${version}-${target}`);
  await script("compile.ts", "--runtime", "bun", "--target", target, "--output", path);
  // One file has the checksums of all.
  rmSync(`${path}.sha256`);
  if (!target.endsWith("-gnu")) continue;
  const machine = target.startsWith("aarch64") ? "arm64" : "amd64";
  const deb = join(output, `ministate_${version}_${machine}.deb`);
  await script("deb.ts", path, "--output", deb, ...(values.rehearsal ? ["--fast"] : []));
}
const sums = readdirSync(output).sort().map((name) => {
  const sum = createHash("sha256").update(readFileSync(join(output, name))).digest("hex");
  return `${sum}  ${name}\n`;
});
writeFileSync(join(output, "SHA256SUMS"), sums.join(""));
console.log(`${output}, for version ${version}:\n${sums.join("")}`);

function refuseWithoutSection(): void {
  const heading = `## [${version}]`;
  if (readFileSync(join(root, "CHANGELOG.md"), "utf8").includes(`\n${heading}`)) return;
  console.error(
    `CHANGELOG.md has no section "${heading}": rename "Unreleased", or add --rehearsal`,
  );
  process.exit(1);
}

function script(name: string, ...args: string[]): Promise<void> {
  return must(node, [join(root, "scripts", name), ...args]);
}

async function must(command: string, args: string[]): Promise<void> {
  const { ok, output: said, reason } = await run(command, args, { timeoutMs: 1_800_000 });
  if (ok) return;
  console.error(`${command} ${args.join(" ")} ${reason}:\n${said}`);
  process.exit(1);
}
