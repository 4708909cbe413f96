/**
 * The floor of cold starts: appends one line to a file in the directory that the first argument names, syncs it, and
 * ends. With "peak" as the second argument it also prints its peak memory. Each runtime uses its cheapest API.
 *
 * @module
 */

const LINE = new TextEncoder().encode(`${"x".repeat(136)}\n`);

const [directory, peak] = "Deno" in globalThis
  ? appendOnDeno(Deno.args)
  : await appendOnNode((await import("node:process")).argv.slice(2));
if (peak !== undefined) {
  const { readMemory } = await import("../support/memory.ts");
  console.log(JSON.stringify({ ...await readMemory(), directory }));
}

function appendOnDeno(args: string[]): string[] {
  const file = Deno.openSync(`${args[0]}/line`, { append: true, create: true });
  file.writeSync(LINE);
  file.syncDataSync();
  file.close();
  return args;
}

async function appendOnNode(args: string[]): Promise<string[]> {
  const fs = await import("node:fs");
  const fd = fs.openSync(`${args[0]}/line`, "a");
  fs.writeSync(fd, LINE);
  fs.fdatasyncSync(fd);
  fs.closeSync(fd);
  return args;
}
export {};
