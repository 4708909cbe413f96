// The file system that counts keeps the contract of the one beneath it.

import { Special } from "../../runtime/simulated/names.ts";
import { PowerCutDisk } from "../../runtime/simulated/power_cut_disk.ts";
import { CountingFs } from "../../src/counting_fs.ts";
import { testConformance } from "./suite.ts";

testConformance("the counting file system", async () => {
  const disk = new PowerCutDisk();
  await disk.makeDirectory("/site");
  return {
    fs: new CountingFs(disk),
    path: "/site",
    plant: (path, kind) => disk.plant(path, new Special(kind)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});
