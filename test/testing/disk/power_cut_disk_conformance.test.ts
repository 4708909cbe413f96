// Tests that the simulated disk keeps the same contract as the real file systems, and loses power as its model says.

import { testConformance } from "../../support/conformance.ts";
import { SpecialFile } from "../../../testing/disk/names.ts";
import { PowerCutDisk } from "../../../testing/disk/power_cut_disk.ts";

testConformance("the simulated disk", async () => {
  const fs = new PowerCutDisk();
  await fs.makeDirectory("/site");
  return {
    fs,
    path: "/site",
    plant: (path, kind) => fs.plant(path, new SpecialFile(kind)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});
