// Tests that the counting file system keeps the contract of the one below it.

import { SpecialFile } from "../../testing/disk/names.ts";
import { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { CountingFs } from "../../src/disk/counting_fs.ts";
import { testConformance } from "../support/conformance.ts";

testConformance("the counting file system", async () => {
  const disk = new PowerCutDisk();
  await disk.makeDirectory("/site");
  return {
    fs: new CountingFs(disk),
    path: "/site",
    plant: (path, kind) => disk.plant(path, new SpecialFile(kind)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});
