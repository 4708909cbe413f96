// The memory disk of the durability tests keeps to the same contract as the real file systems.

import { MemoryFs } from "../support/memory_fs.ts";
import { Special } from "../support/memory_names.ts";
import { testConformance } from "./suite.ts";

testConformance("the memory disk", async () => {
  const fs = new MemoryFs();
  await fs.makeDirectory("/site");
  return {
    fs,
    path: "/site",
    plant: (path, kind) => fs.plant(path, new Special(kind)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});
