// The memory disk of the durability tests keeps to the same contract as the real file systems.

import { PowerCutDisk } from "../../runtime/simulated/power_cut_disk.ts";
import { Special } from "../../runtime/simulated/names.ts";
import { testConformance } from "./suite.ts";

testConformance("the memory disk", async () => {
  const fs = new PowerCutDisk();
  await fs.makeDirectory("/site");
  return {
    fs,
    path: "/site",
    plant: (path, kind) => fs.plant(path, new Special(kind)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});
