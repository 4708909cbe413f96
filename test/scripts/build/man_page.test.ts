// Tests that the manual page is sound mdoc, and says everything that the help says.

import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { buildProgram } from "../../../cli/program.ts";
import { manPage } from "../../../scripts/build/man_page.ts";
import { manualPage, systemFiles } from "../../../scripts/build/shell_files.ts";
import { temporaryDirectory } from "../../support/temporary.ts";
import { without } from "../../support/tools.ts";

const program = buildProgram(() => Promise.resolve(), "");
const page = manPage(program, new Date("2026-11-28T23:59:59Z"));

/** Runs mandoc with the page as a file. */
async function mandoc(...args: string[]): Promise<string> {
  await using directory = await temporaryDirectory();
  const path = directory.join("ministate.1");
  await writeFile(path, page);
  return spawnSync("mandoc", [...args, path], { encoding: "utf8" }).stdout;
}

const skip = without("mandoc");

test("mandoc finds nothing to remark on the manual page", { skip }, async () => {
  assertEquals(await mandoc("-T", "lint", "-W", "all"), "");
});

test("the manual page says all that the help says", { skip }, async () => {
  // Neither where lines are broken nor how much space is between words is part of what it says.
  const flat = (text: string) => text.replace(/\s+/g, " ");
  // Bold and underlined characters are printed one over another.
  const printed = await mandoc("-T", "utf8", "-O", "width=200");
  const shown = flat(printed.replace(/.[\b]/g, ""));
  for (const command of program.commands) {
    assertStringIncludes(shown, `ministate ${command.name()} [options] `);
    const help = command.createHelp();
    assertStringIncludes(shown, flat(`${command.description()}.`));
    for (const argument of help.visibleArguments(command)) {
      assertStringIncludes(shown, flat(`${argument.name()} ${argument.description}`));
    }
    for (const option of help.visibleOptions(command)) {
      const term = help.optionTerm(option).replace(/[<>]/g, "");
      assertStringIncludes(shown, flat(`${term} ${option.description}`));
    }
  }
  assertStringIncludes(shown, "ministate set ./state /name '\"kitchen\"'");
  assertStringIncludes(shown, "130 interrupted (143: terminated)");
  assertStringIncludes(shown, "bash, zsh, fish");
  assertMatch(page, /^\.Dd November 28, 2026$/m);
});

test("the page in the Debian package has the date that SOURCE_DATE_EPOCH says", async () => {
  const before = process.env.SOURCE_DATE_EPOCH;
  process.env.SOURCE_DATE_EPOCH = "0";
  try {
    const packed = (await systemFiles()).get("usr/share/man/man1/ministate.1.gz")!;
    const text = new TextDecoder().decode(gunzipSync(packed as Uint8Array));
    assertMatch(text, /^\.Dd January 1, 1970$/m);
    assertEquals(text, manualPage());
  } finally {
    if (before === undefined) delete process.env.SOURCE_DATE_EPOCH;
    else process.env.SOURCE_DATE_EPOCH = before;
  }
  assertMatch(manualPage(), /^\.Dd \w+ \d+, 20\d\d$/m);
});
