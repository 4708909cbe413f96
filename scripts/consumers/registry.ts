// A registry of npm packages for one run, on this machine alone: Verdaccio. What is published there is there only; every
// other package comes from the registry that npm is set up with.

import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

const ANYONE = { access: "$anonymous", publish: "$anonymous" };

export interface Registry {
  url: string;
  /** What a package manager needs to be told in order to use it. */
  npmrc: string;
  stop(): void;
}

/**
 * Starts a registry that keeps its packages in `folder`.
 *
 * @param tools the folder of packages in which Verdaccio is installed
 * @throws {Error} when it ends before it answers
 */
export async function startRegistry(
  node: string,
  tools: string,
  folder: string,
): Promise<Registry> {
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}/`;
  const config = join(folder, "config.yaml");
  // Any JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      storage: join(folder, "storage"),
      uplinks: { upstream: { url: upstream() } },
      packages: { "@ministate/*": ANYONE, "**": { ...ANYONE, proxy: "upstream" } },
      log: { type: "stdout", format: "json", level: "error" },
    }),
  );
  const program = join(tools, "verdaccio", "bin", "verdaccio");
  const child = spawn(node, [program, "--config", config, "--listen", address], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = () => void child.kill();
  process.once("exit", stop);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => said += text);
  }
  while (!await answers(`${url}-/ping`)) {
    if (child.exitCode !== null) throw new Error(`the registry has ended:\n${said}`);
    await sleep(50);
  }
  return { url, npmrc: `registry=${url}\n//${address}/:_authToken=anyone\n`, stop };
}

function upstream(): string {
  const { stdout } = spawnSync("npm", ["config", "get", "registry"], { encoding: "utf8" });
  return stdout.trim();
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
