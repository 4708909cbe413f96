import { buildCanary, copySources } from "../simulation/canaries/build.ts";
import { hunt } from "../simulation/canaries/hunt.ts";
import { CANARIES } from "../simulation/canaries/canaries.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
const folder = mkdtempSync(join(tmpdir(), "can-"));
const sources = join(folder, "as-it-is");
copySources(sources);
const first = [
  "second writer",
  "lock file that was left",
  "backup goes over",
  "part of a long list",
  "leads out",
  "several batches",
];
const only = process.argv.slice(2);
const list0 = [...CANARIES].sort((a, b) =>
  Number(first.some((f) => b.name.includes(f))) - Number(first.some((f) => a.name.includes(f)))
);
const list = only.length ? list0.filter((c) => only.some((o) => c.name.includes(o))) : list0;
for (const canary of list) {
  const build = join(folder, `c${CANARIES.indexOf(canary)}`);
  try {
    buildCanary(sources, build, canary);
    const { verdict, exploration, message } = await hunt(
      build,
      {
        seed: 1,
        seconds: null,
        imagesMax: 16,
        histories: 80,
        rotOneIn: 1,
        call: 0,
        index: 0,
        processes: 1,
        only: process.env.FIRST ?? canary.first,
      } as never,
    );
    console.log(
      verdict,
      "|",
      canary.name,
      "|",
      exploration,
      "|",
      verdict === "caught" ? "" : message.slice(0, 200),
    );
  } catch (e) {
    console.log("BROKEN", canary.name, (e as Error).message.slice(0, 200));
  }
  rmSync(build, { recursive: true, force: true });
}
rmSync(folder, { recursive: true, force: true });
