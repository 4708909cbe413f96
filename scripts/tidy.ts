// Checks the house rules that no linter knows; each rule is one function that lists its problems.

import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { root } from "./toolchain.ts";

const linesMax = 300;
const folders = "{src,runtime,testing,cli,simulation,test,scripts,bench,examples}";

/** The layers, lowest first; a file belongs to the one that names it or its folder. */
const LAYERS = [
  ["src/durable_fs.ts"],
  ["runtime/"],
  ["src/errors.ts", "src/advice.ts", "src/failures.ts"],
  ["src/format/"],
  ["src/options.ts"],
  ["src/wear/"],
  ["src/disk/"],
  ["src/journal/"],
  ["src/snapshot/"],
  ["src/recovery/"],
  ["src/state/"],
  ["src/state_manager.ts", "src/journal.ts", "src/snapshot_store.ts"],
  ["testing/"],
  ["mod.ts", "journal.ts", "snapshot.ts", "testing.ts"],
  ["cli/"],
  ["cli.ts"],
];

/** Of runtime/, the public classes see only what chooses the file system, and nothing else in src/ sees any of it. */
const RUNTIME_IMPORTS = new Set([
  "src/state_manager.ts runtime/detect.ts",
  "src/journal.ts runtime/detect.ts",
  "src/snapshot_store.ts runtime/detect.ts",
]);

interface Source {
  path: string;
  text: string;
  /** The text without comments, so that a rule doesn't stumble over prose. Lines are kept. */
  code: string;
}

type Rule = (sources: Source[]) => string[];

const rules: Record<string, Rule> = {
  "src/ names no runtime: it sees only the DurableFs interface": (sources) =>
    search(
      sources.filter(({ path }) => path.startsWith("src/")),
      /\b(Deno|Bun|process)\s*[.[]|["']node:|["']bun:/,
    ),
  "folders are layers: nothing imports from a layer above its own": upwardImports,
  "src/, runtime/ and testing/ import no third-party package": (sources) =>
    search(
      sources.filter((source) => /^(src|runtime|testing)\//.test(source.path)),
      /(?:^(?:import|export|\})[^"'`\n]*\bfrom\s*|^import\s*|\bimport\s*\(\s*)["'](?!\.{1,2}\/|node:|bun:)[^"'\n]+["']/m,
    ),
  "JSON is parsed in src/format/json_parse.ts alone: V8's parser can take one key for another": (
    sources,
  ) =>
    search(
      sources.filter(({ path }) =>
        /^(src|runtime|testing|cli)\//.test(path) && path !== "src/format/json_parse.ts"
      ),
      /\bJSON\s*(?:\?\.|\.)\s*parse\b|\bJSON\s*\[|=\s*JSON\b(?!\s*\.)|\.json\(\)/,
    ),
  "advice that names an option is in src/advice.ts, so that the command can leave it out": (
    sources,
  ) =>
    search(
      sources.filter(({ path }) => path.startsWith("src/") && path !== "src/advice.ts"),
      /open (?:it )?with(?:out)? (?:readOnly|onCorruption|create)\b/,
    ),
  [`a file of the product, of simulation/ and of scripts/ has at most ${linesMax} lines, without its doc comments`]:
    (sources) =>
      sources
        .filter((source) => /^(src|runtime|testing|cli|simulation|scripts)\//.test(source.path))
        .map((source) => ({ path: source.path, count: linesOf(source) }))
        .filter(({ count }) => count > linesMax)
        .map(({ path, count }) => `${path}: ${count} lines`),
  "a test is in the folder of test/ that is named after what it tests": (sources) =>
    sources.filter(({ path }) => path.endsWith(".test.ts")).map(({ path }) => path)
      .filter((path) => !mirrors(path)),
  "the tests that documents name exist": missingTests,
  "no test is singled out or skipped": (sources) =>
    search(
      sources.filter((source) => source.path.endsWith(".test.ts")),
      /\.(only|skip|todo)\s*\(|\b(only|skip|todo)\s*:(?!\s*\[)|\b(xit|xtest|fit)\s*\(/,
    ),
  "no test ends its process: the runner would count what came before as all there is": (sources) =>
    search(
      sources.filter((source) => source.path.endsWith(".test.ts")),
      /\b(process|Deno)\.exit\s*\(/,
    ),
  "no error is swallowed in the product": (sources) =>
    search(
      sources.filter((source) => /^(src|runtime|testing|cli)\//.test(source.path)),
      /catch\s*(\([^)]*\))?\s*\{\s*\}|\.catch\(\s*\(\w*\)\s*=>\s*(\{\s*\}|undefined)\s*\)/,
    ),
  "every file opens with a comment that says its job": (sources) =>
    sources
      .filter((source) => !/^(#!.*\n)?(\/\/ \S|\/\*\*?\s)/.test(source.text))
      .map((source) => source.path),
  "one word, one meaning (the vocabulary in CONTRIBUTING.md)": (sources) =>
    search(
      sources.filter((source) => source.path !== "scripts/tidy.ts"),
      /\b\w*(check_?point|op_?log|vacuum)\w*\b/i,
    ),
  "relative links in documents resolve, anchors too": brokenLinks,
  "the track record counts its bugs": miscounted,
  "no lockfile names a registry": lockfileAddresses,
  "deno.json, package.json and test/std/import_map.json agree": disagreements,
};

const documents = globSync(["*.md", "{docs,test,scripts,bench,examples}/**/*.md"], { cwd: root });
const sources = globSync(["*.ts", `${folders}/**/*.ts`], { cwd: root }).sort().map(read);
let failed = 0;
for (const [name, rule] of Object.entries(rules)) {
  const problems = rule(sources);
  if (problems.length === 0) continue;
  failed += 1;
  console.log(`Broken rule: ${name}\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
}
console.log(`${Object.keys(rules).length - failed} rules kept, ${failed} broken`);
process.exitCode = failed === 0 ? 0 : 1;

function read(path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  const blank = (comment: string) => comment.replace(/[^\n]/g, " ");
  const code = text.replace(/\/\*[^]*?\*\//g, blank).replace(/(^|\s)\/\/.*$/gm, blank);
  return { path, text, code };
}

/** Doc comments are for users and don't count: they may be as long as necessary. */
function linesOf({ text }: Source): number {
  return text.replace(/^ *\/\*\*[^]*?\*\/\n/gm, "").trimEnd().split("\n").length;
}

function search(sources: Source[], pattern: RegExp): string[] {
  return sources.flatMap((source) => {
    const matches = source.code.matchAll(new RegExp(pattern, `g${pattern.flags}`));
    return [...matches].map((match) => {
      const line = source.code.slice(0, match.index).split("\n").length;
      return `${source.path}:${line}: ${match[0].trim()}`;
    });
  });
}

function upwardImports(sources: Source[]): string[] {
  return sources.flatMap(({ path, code }) => {
    const own = layerOf(path);
    if (own < 0) return /^(src|runtime|testing|cli)\//.test(path) ? [`${path}: in no layer`] : [];
    return [...code.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"\n]+)"/g)]
      .map((match) => join(dirname(path), match[1]!))
      .filter((target) => {
        const isRuntime = target.startsWith("runtime/") && path.startsWith("src/");
        return isRuntime ? !RUNTIME_IMPORTS.has(`${path} ${target}`) : layerOf(target) > own;
      })
      .map((target) => `${path} imports ${target}`);
  });
}

function layerOf(path: string): number {
  return LAYERS.findIndex((names) =>
    names.some((name) => name.endsWith("/") ? path.startsWith(name) : path === name)
  );
}

/** test/journal/ is for src/journal/ and src/journal.ts, test/cli/doctor/ for cli/doctor/, test/failures.test.ts for src/failures.ts. */
function mirrors(test: string): boolean {
  const folder = dirname(test).split("/").slice(1).join("/");
  if (folder === "golden") return true;
  const tested = folder === ""
    ? [`src/${basename(test, ".test.ts")}.ts`]
    : [`src/${folder}`, `src/${folder}.ts`, folder];
  return tested.some((path) => existsSync(join(root, path)));
}

/** Every "npm test -- …" of a document chooses at least one test file, and every test file it links by path is there. */
function missingTests(sources: Source[]): string[] {
  const tests = sources.map(({ path }) => path).filter((path) => path.endsWith(".test.ts"));
  return documents.flatMap((document) => {
    const text = readFileSync(join(root, document), "utf8");
    const commands = [...text.matchAll(/npm test -- (?!-)([\w/]+)/g)].map((match) => match[1]!);
    const paths = [...text.matchAll(/\btest\/[\w/]+\.test\.ts\b/g)].map((match) => match[0]);
    return [...commands, ...paths]
      .filter((part) => !tests.some((path) => path.includes(part)))
      .map((part) => `${document}: ${part}`);
  });
}

function brokenLinks(): string[] {
  return documents.flatMap((document) =>
    [...proseOf(document).matchAll(/\]\((?![a-z+]+:)([^)\s#]*)(?:#([^)\s]*))?[^)]*\)/g)]
      .filter(([, path = "", anchor]) => {
        const target = path === "" ? document : join(dirname(document), path);
        if (!existsSync(join(root, target))) return true;
        return anchor !== undefined && target.endsWith(".md") && !anchorsOf(target).has(anchor);
      })
      .map(([link]) => `${document}: ${link}`)
  );
}

/** Two branches that add a bug each merge without a conflict, and the counts of neither are right. */
function miscounted(): string[] {
  const [top = "", ...groups] = proseOf("docs/track-record.md").split(/^## /m);
  const stated = [...top.matchAll(/^\| \[(.+)\]\(.*\| (\d+) +\|$/gm)]
    .map(([, title, bugs]) => `${title}: ${bugs}`);
  const counts = groups.map((group) => group.split(/^- /m).length - 1);
  const counted = groups.map((group, i) => `${group.split("\n")[0]}: ${counts[i]}`);
  stated.push(`bugs: ${/^The (\d+) bugs /m.exec(top)?.[1]}`);
  counted.push(`bugs: ${counts.reduce((sum, count) => sum + count, 0)}`);
  return counted.join() === stated.join() ? [] : counted.filter((line) => !stated.includes(line))
    .concat(stated.filter((line) => !counted.includes(line)).map((line) => `stated: ${line}`));
}

function proseOf(document: string): string {
  return readFileSync(join(root, document), "utf8").replace(/```[^]*?```/g, "");
}

/** The anchors that GitHub gives to headings. */
function anchorsOf(document: string): Set<string> {
  const headings = [...proseOf(document).matchAll(/^#+ (.*)$/gm)].map((match) => match[1] ?? "");
  return new Set(
    headings.map((heading) =>
      heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
    ),
  );
}

/** A "resolved" of a local package is a path, not an address. */
function lockfileAddresses(): string[] {
  const lockfiles = globSync(["package-lock.json", "{bench,scripts}/**/package-lock.json"], {
    cwd: root,
  });
  return lockfiles.flatMap((path) => {
    const text = readFileSync(join(root, path), "utf8");
    return [...text.matchAll(/"resolved": "\w+:[^"]*"/g)].map((match) => `${path}: ${match[0]}`);
  });
}

function disagreements(): string[] {
  const deno = json("deno.json");
  const npm = json("package.json");
  const [cliDeno, cliNpm] = [json("cli/deno.json"), json("cli/package.json")];
  const map = json("test/std/import_map.json");
  const problems: string[] = [];
  const same = (what: string, a: unknown, b: unknown) => {
    if (JSON.stringify(a) !== JSON.stringify(b)) problems.push(`${what}: ${a} and ${b} differ`);
  };
  for (const key of ["name", "version", "license"]) same(key, deno[key], npm[key]);
  same("exports", Object.entries(deno.exports), Object.entries(npm.exports));
  for (const key of ["name", "version", "license"]) same(`cli: ${key}`, cliDeno[key], cliNpm[key]);
  same("version of cli and library", cliNpm.version, npm.version);
  if (npm.dependencies !== undefined) problems.push("package.json: the library has dependencies");
  for (const [name, version] of Object.entries(cliNpm.dependencies)) {
    same(`imports of cli/deno.json: ${name}`, cliDeno.imports[name], `npm:${name}@${version}`);
    same(`test/std/import_map.json: ${name}`, map.imports[name], `npm:${name}@${version}`);
  }
  for (const name of Object.keys({ ...deno.imports, ...cliDeno.imports })) {
    if (map.imports[name] === undefined) problems.push(`test/std/import_map.json lacks ${name}`);
  }
  return problems;
}

// deno-lint-ignore no-explicit-any
function json(path: string): any {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}
