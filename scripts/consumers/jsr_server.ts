// Answers for one package as JSR does: what `deno publish` would publish, from the sources, on this machine alone.

import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { root, run } from "../toolchain.ts";

export interface JsrServer {
  url: string;
  stop(): void;
}

/** Serves the package that the deno.json of the checkout describes. */
export async function startJsrServer(deno: string): Promise<JsrServer> {
  const { name, version, exports } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
  const files = await published(deno);
  const manifest = Object.fromEntries(files.map((path) => [`/${path}`, describe(path)]));
  const answers = new Map<string, () => string | Uint8Array>([
    // A version that is too young can be refused.
    [`/${name}/meta.json`, () => JSON.stringify({ latest: version, versions: { [version]: {} } })],
    [`/${name}/${version}_meta.json`, () => JSON.stringify({ manifest, exports })],
    ...files.map((path) =>
      [`/${name}/${version}/${path}`, () => readFileSync(join(root, path))] as const
    ),
  ]);
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

/** The paths of what would be published. */
async function published(deno: string): Promise<string[]> {
  const { ok, output } = await run(deno, ["publish", "--dry-run", "--allow-dirty", "--no-check"]);
  if (!ok) throw new Error(`deno publish --dry-run failed:\n${output}`);
  return [...output.matchAll(/^\s+file:\/\/(\S+) \(/gm)]
    .map((match) => decodeURIComponent(match[1] ?? "").slice(root.length + 1));
}

function describe(path: string): { size: number; checksum: string } {
  const file = join(root, path);
  const checksum = createHash("sha256").update(readFileSync(file)).digest("hex");
  return { size: statSync(file).size, checksum: `sha256-${checksum}` };
}
