// Tests that a state directory is the same one however its path is written, and that any character may be in it.

import { mkdir, readdir, rm } from "node:fs/promises";
import { relative } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { ministate } from "../support/command.ts";
import { failureOf } from "../support/errors.ts";
import { fileName } from "../support/files.ts";
import { journalName, openCounter } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** Names that something between here and the disk could interpret as more than a name. */
const names = [
  "plain",
  "with a space",
  " at both ends ",
  "%2e%2e%2f",
  "a?b#c",
  "file:x",
  "C:\\state\\",
  'it\'s "quoted"',
  "$HOME ~ * `x`",
  "-rf",
  "...",
  "stäte",
  "sta\u0308te",
  "状態",
  "😀",
  "tab\tline\nfeed",
  "n".repeat(255),
];

/** Other ways to write the path of `${base}/${name}`; `side` is another directory there. */
function shapesOf(base: string, name: string): string[] {
  const path = `${base}/${name}`;
  // All of them once; what matters about the others is their characters.
  if (name !== "plain") return [path, `${path}/`, `${base}/side/../${name}`];
  return [
    path,
    `${path}/`,
    `${path}///`,
    `${path}/.`,
    `${path}/./`,
    `${base}//${name}`,
    `${base}/./${name}`,
    `${base}/side/../${name}`,
    `${path}/../${name}/`,
    relative(process.cwd(), path),
    `./${relative(process.cwd(), path)}/`,
  ];
}

for (const name of names) {
  test(`open() finds one state in ${JSON.stringify(name.slice(0, 20))}, however its path is written`, async () => {
    await using directory = await temporaryDirectory();
    await mkdir(directory.join("side"));
    const shapes = shapesOf(directory.path, name);
    for (const [i, shape] of shapes.entries()) {
      await using manager = await openCounter(shape, { create: i === 0 });
      assertEquals([manager.state.value, manager.recovery.created], [i, i === 0], shape);
      await manager.apply({ by: 1 });
      if (i === 1) await manager.compact();
      const other = shapes[(i + 1) % shapes.length]!;
      const error = await failureOf(() => openCounter(other));
      assertEquals((error as { code?: string }).code, "LOCKED", `${shape} and ${other}`);
      await using reader = await openCounter(other, { readOnly: true });
      assertEquals(reader.state.value, i + 1);
    }
    const count = shapes.length;
    for (const shape of shapes) {
      await using journal = await Journal.open(shape, journalName);
      assertEquals(journal.sequence, count);
    }
    for (const shape of shapes) {
      await using store = await SnapshotStore.open(shape, journalName);
      assertEquals((await store.restore())?.sequence, 2, shape);
    }
    assertEquals((await readdir(directory.path)).sort(), ["side", name].sort());
    assertEquals(
      (await readdir(directory.join(name))).sort(),
      [
        "ministate.lock",
        fileName("snapshot", 2),
        fileName("wal", 1),
        fileName("wal", 3),
      ].sort(),
    );
    await using manager = await openCounter(`${directory.path}/side/../${name}`);
    await manager.backup(`${directory.path}/side/../${name} copy`.slice(0, 200) + "//");
    assertEquals((await readdir(directory.path)).length, 3);
  });
}

test("open() makes one directory, however its path is written", async () => {
  await using directory = await temporaryDirectory();
  const base = directory.join("base");
  for (const shape of shapesOf(base, "plain")) {
    await mkdir(`${base}/side`, { recursive: true });
    // A path through the directory itself leads nowhere before it is there.
    if (shape.includes("plain/..")) continue;
    await using manager = await openCounter(shape);
    assertEquals(manager.recovery.created, true, shape);
    await manager.close();
    assertEquals((await readdir(base)).sort(), ["plain", "side"], shape);
    await rm(base, { recursive: true });
  }
});

test("the command accepts paths with spaces, control characters, dots and doubled slashes", async () => {
  await using directory = await temporaryDirectory();
  await mkdir(directory.join("side"));
  for (const name of ["with a space", "stäte 状態 😀", "a?b#c%20", "tab\tline\nfeed"]) {
    const { path } = directory;
    const set = await ministate("set", `${path}/side/../${name}//`, "/a", "1", "--json");
    assertEquals([set.code, set.errors], [0, ""]);
    const get = await ministate("get", `${path}/./${name}/.`, "/a", "--json");
    assertEquals([get.code, get.output], [0, "1\n"]);
    const log = await ministate("verify", `${path}/${name}`);
    assertEquals([log.code, log.output.startsWith("sound")], [0, true], log.errors);
  }
});
