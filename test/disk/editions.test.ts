// Tests which files count beside those of later editions, one rule at a time.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { editionOf, newestEditions } from "../../src/disk/editions.ts";
import type { NamedFile } from "../../src/disk/names.ts";

/** Files by sequence and edition: `"5.2"` is that of sequence 5 in edition 2. */
function files(kind: string, ...places: string[]): NamedFile[] {
  return places.map((place) => {
    const [sequence, edition] = place.split(".").map(Number);
    const name = `${kind} ${place}`;
    return { name, path: name, sequence: sequence!, edition: edition! };
  });
}

const rows: { what: string; segments: string[]; snapshots: string[]; superseded: string[] }[] = [
  {
    what: "a segment takes over from earlier files of its sequence and later ones",
    segments: ["1.1", "5.1", "5.2", "9.1"],
    snapshots: ["4.1", "8.1"],
    superseded: ["segment 5.1", "segment 9.1", "snapshot 8.1"],
  },
  {
    what: "a snapshot takes over from the earlier snapshot of its sequence, and from no segment",
    segments: ["1.1", "5.1"],
    snapshots: ["4.1", "4.2", "5.2"],
    superseded: ["snapshot 4.1"],
  },
  {
    what: "a segment is not taken over from by a snapshot of its sequence",
    segments: ["4.1"],
    snapshots: ["4.2"],
    superseded: [],
  },
  {
    what: "files of one edition don't take over from each other",
    segments: ["3.2", "5.2", "7.2"],
    snapshots: ["4.2", "8.2"],
    superseded: [],
  },
  {
    what: "the earliest beginning of all later editions counts",
    segments: ["1.1", "3.3", "5.2", "6.1", "2.2"],
    snapshots: ["2.1"],
    superseded: ["segment 5.2", "segment 6.1", "snapshot 2.1"],
  },
];

for (const { what, segments, snapshots, superseded } of rows) {
  test(`newestEditions(): ${what}`, () => {
    const all = {
      segments: files("segment", ...segments),
      snapshots: files("snapshot", ...snapshots),
    };
    const sorted = { ...all, directory: "", stem: "", temporary: [] };
    const found = newestEditions(sorted, new Set(), new Set());
    const names = (list: NamedFile[]) => list.map(({ name }) => name).sort();
    assertEquals(names(found.superseded), [...superseded].sort());
    const left = [...all.segments, ...all.snapshots].filter(({ name }) =>
      !superseded.includes(name)
    );
    assertEquals(names([...found.segments, ...found.snapshots]), names(left));
    const editions = [...segments, ...snapshots].map((place) => Number(place.split(".")[1]));
    assertEquals(editionOf(sorted), Math.max(...editions));
  });
}
