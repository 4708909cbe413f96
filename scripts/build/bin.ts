#!/usr/bin/env node
// The program that the package @ministate/cli installs as `ministate`. It is loaded before anything that an older
// runtime might not understand, so that such a runtime gets a sentence, not a trace.

import process from "node:process";

const NODE_OLDEST = [22, 12];

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const [majorOldest = 0, minorOldest = 0] = NODE_OLDEST;
if (major < majorOldest || major === majorOldest && minor < minorOldest) {
  process.stderr.write(
    `ministate: this is Node ${process.versions.node}, and the command needs ${
      NODE_OLDEST.join(".")
    } or later: ` +
      "update Node, or run it with Deno or Bun\n",
  );
  process.exitCode = 1;
} else {
  const { run } = await import("../../cli.ts");
  await run();
}
