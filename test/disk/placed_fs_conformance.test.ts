// Tests that the file system of one place keeps the contract of the one below it while the place exists.

import { SpecialFile } from "../../testing/disk/names.ts";
import { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { Place } from "../../src/disk/place.ts";
import { PlacedFs } from "../../src/disk/placed_fs.ts";
import { testConformance } from "../support/conformance.ts";

testConformance("the file system of a place", async () => {
  const disk = new PowerCutDisk();
  await disk.makeDirectory("/site");
  const place = new Place(disk, { path: "/site", identity: disk.identity("/site") }, null, true);
  return {
    fs: new PlacedFs(disk, place),
    path: "/site",
    plant: (path, kind) => disk.plant(path, new SpecialFile(kind)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});
