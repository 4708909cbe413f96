// Answers for packages as JSR does: what `deno publish` would publish, on this machine alone.

import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { run } from "../toolchain.ts";

export interface JsrServer {
  url: string;
  stop(): void;
}

type Answer = readonly [url: string, answer: () => string | Uint8Array];

/** Serves the packages that the deno.json in each of these folders describes. */
export async function startJsrServer(deno: string, folders: string[]): Promise<JsrServer> {
  const all: Answer[] = [];
  for (const folder of folders) all.push(...await answersOf(deno, folder));
  const answers = new Map(all);
  const server = createServer((request, response) => {
    const answer = answers.get(request.url ?? "");
    response.statusCode = answer === undefined ? 404 : 200;
    response.end(answer?.());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/`, stop: () => void server.close() };
}

async function answersOf(deno: string, folder: string): Promise<Answer[]> {
  const { name, version, exports } = JSON.parse(readFileSync(join(folder, "deno.json"), "utf8"));
  const files = await published(deno, folder);
  const manifest = Object.fromEntries(
    files.map((path) => [`/${path}`, describe(join(folder, path))]),
  );
  return [
    // A version that is too young can be refused.
    [`/${name}/meta.json`, () => JSON.stringify({ latest: version, versions: { [version]: {} } })],
    [
      `/${name}/${version}_meta.json`,
      () => JSON.stringify({ manifest, exports: entries(exports) }),
    ],
    ...files.map((path): Answer => [
      `/${name}/${version}/${path}`,
      () => readFileSync(join(folder, path)),
    ]),
  ];
}

/** In a deno.json, a single entry may stand alone. */
function entries(exports: string | Record<string, string>): Record<string, string> {
  return typeof exports === "string" ? { ".": exports } : exports;
}

/** The paths of what would be published. */
async function published(deno: string, folder: string): Promise<string[]> {
  const args = ["publish", "--dry-run", "--allow-dirty", "--no-check"];
  const { ok, output } = await run(deno, args, { cwd: folder });
  if (!ok) throw new Error(`deno publish --dry-run failed:\n${output}`);
  return [...output.matchAll(/^\s+file:\/\/(\S+) \(/gm)]
    .map((match) => decodeURIComponent(match[1] ?? "").slice(folder.length + 1));
}

function describe(file: string): { size: number; checksum: string } {
  const checksum = createHash("sha256").update(readFileSync(file)).digest("hex");
  return { size: statSync(file).size, checksum: `sha256-${checksum}` };
}
