/**
 * Redis, as a separate server that is reached over a Unix socket.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { setTimeout } from "node:timers/promises";
import { type Contender, RUNTIMES } from "../contender.ts";
import { load } from "./load.ts";

interface Client {
  connect(): Promise<unknown>;
  on(event: "error", listener: (error: Error) => void): void;
  set(key: string, value: string): Promise<unknown>;
  mSet(pairs: [key: string, value: string][]): Promise<unknown>;
  destroy(): void;
}

interface Redis {
  createClient(options: { socket: { path: string } }): Client;
}

const START_MS = 10_000;
const WAIT_MS = 10;

/** `redis-server`, from Debian's package of that name. */
export const contender: Contender = {
  name: "Redis",
  runtimes: RUNTIMES,
  durable: true,
  durability: "`appendonly yes`, `appendfsync always`: it answers after the sync",
  sharesSyncs: true,
  batchesByHand: true,
  async open(directory) {
    const { createClient } = load<Redis>("@redis/client");
    const path = `${directory}/redis.sock`;
    const server = await startServer(directory, path);
    const client = createClient({ socket: { path } });
    client.on("error", () => {});
    await client.connect();
    return {
      commit: (reading) => client.set(reading.key, JSON.stringify(reading)),
      commitMany: (readings) =>
        client.mSet(readings.map((reading) => [reading.key, JSON.stringify(reading)])),
      async close() {
        client.destroy();
        const ended = once(server, "exit");
        server.stdin!.end();
        await ended;
      },
    };
  },
};

/** The shell ends the server when its own input ends: so no server outlives a process that was killed. */
const GUARD = 'command -v redis-server || exit 127; redis-server "$@" & cat; kill $!; wait';

async function startServer(directory: string, socket: string): Promise<ChildProcess> {
  const settings = {
    port: "0",
    unixsocket: socket,
    dir: directory,
    appendonly: "yes",
    appendfsync: "always",
    save: "",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const server = spawn("sh", ["-c", GUARD, "sh", ...args], { stdio: ["pipe", "ignore", "ignore"] });
  let ended = false;
  server.once("exit", () => ended = true);
  for (let waited = 0; !fs.existsSync(socket); waited += WAIT_MS) {
    if (ended) throw new Error('found no "redis-server": install the package of that name');
    if (waited > START_MS) throw new Error("redis-server opened no socket");
    await setTimeout(WAIT_MS);
  }
  return server;
}
