// Runs the examples in docstrings and documents on one runtime: examples.ts <deno|bun|node>.
//
// Each is a file in a folder whose node_modules links to the checkout, as after `npm install ../ministate`, and
// runs in an empty directory of its own. Under Deno it may read and write there and do nothing else.

import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { examplesIn, flawOf } from "./examples/collect.ts";
import { stdFlags } from "./std.ts";
import { binary, root, run, type Runtime, runtimes } from "./toolchain.ts";

const runtime = runtimes.find((name) => name === process.argv[2]);
if (runtime === undefined) throw new Error("Usage: examples.ts <deno|bun|node>");

const sources = globSync(["*.ts", "{src,runtime,testing,cli}/**/*.ts", "*.md", "docs/**/*.md"], {
  cwd: root,
}).sort();
const examples = sources.flatMap((path) =>
  examplesIn(path, readFileSync(join(root, path), "utf8"))
);
const flawed = examples.filter((example) => flawOf(example) !== "");
for (const example of flawed) console.log(`${example.place}: ${flawOf(example)}`);

const folder = mkdtempSync(join(tmpdir(), "ministate-examples-"));
try {
  const ok = await runAll(runtime);
  process.exitCode = ok && flawed.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function runAll(runtime: Runtime): Promise<boolean> {
  for (const scope of ["@ministate", "@std"]) {
    mkdirSync(join(folder, "node_modules", scope), { recursive: true });
  }
  symlinkSync(root, join(folder, "node_modules", "@ministate", "ministate"));
  symlinkSync(
    join(root, "test", "std", "assert"),
    join(folder, "node_modules", "@std", "assert"),
  );
  const dependencies = { "@ministate/ministate": "*", "@std/assert": "*" };
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ type: "module", dependencies }),
  );
  const files = examples.map(({ place, code }) => {
    const file = join(folder, `${place.replaceAll(/[^\w.]/g, "_")}.ts`);
    writeFileSync(file, code);
    return file;
  });
  const list = join(folder, "examples.txt");
  writeFileSync(list, files.join("\n"));
  const runner = join(root, "scripts", "examples", "run_each.ts");
  const args = runtime === "deno"
    ? ["run", "--no-prompt", "--allow-read", "--allow-write", ...await stdFlags(), runner, list]
    : [runner, list];
  const outcome = await run(binary(runtime), args, { cwd: folder });
  console.log(outcome.output.trimEnd().replaceAll(`${folder}/`, ""));
  // A runner that ends early, as when an example never settles, prints no count.
  const all = outcome.output.includes(`${examples.length} of ${examples.length} ran`);
  if (!all) console.log(`Not all of ${examples.length} examples ran: ${runtime} ${outcome.reason}`);
  return outcome.ok && all && examples.length > 0;
}
