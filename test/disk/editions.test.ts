// Tests which files count beside those of later editions, one rule at a time.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  begunAt,
  editionOf,
  inEdition,
  isSettled,
  newestEditions,
} from "../../src/disk/editions.ts";
import { isEdition, NOT_BEGUN } from "../../src/format/format.ts";
import type { NamedFile } from "../../src/disk/names.ts";

/** Files by sequence and edition: `"5.2"` is that of sequence 5 in edition 2. */
function files(kind: string, ...places: string[]): NamedFile[] {
  return places.map((place) => {
    const [sequence, edition] = place.split(".").map(Number);
    const name = `${kind} ${place}`;
    return { name, path: name, sequence: sequence!, edition: edition! };
  });
}

interface Case {
  what: string;
  segments: string[];
  snapshots: string[];
  superseded: string[];
  /** Where editions began, according to headers. */
  begun?: [edition: number, first: number][];
  /** Files that only have the name of a later edition. */
  strange?: string[];
  contested?: boolean;
  /** What new headers say. */
  editionFirsts?: number[];
}

const rows: Case[] = [
  {
    what: "a segment takes over from earlier files of its sequence and later ones",
    segments: ["1.1", "5.1", "5.2", "9.1"],
    snapshots: ["4.1", "8.1"],
    superseded: ["segment 5.1", "segment 9.1", "snapshot 8.1"],
    editionFirsts: [5],
  },
  {
    what: "a snapshot takes over from the earlier snapshot of its sequence, and from no segment",
    segments: ["1.1", "5.1"],
    snapshots: ["4.1", "4.2", "5.2"],
    superseded: ["snapshot 4.1"],
    editionFirsts: [NOT_BEGUN],
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
    editionFirsts: [2, 3],
  },
  {
    what: "an edition takes over from where it began, though its first segments are gone",
    segments: ["1.1", "5.1", "7.2"],
    snapshots: ["4.1", "5.1", "8.2"],
    begun: [[2, 5]],
    superseded: ["segment 5.1", "snapshot 5.1"],
    editionFirsts: [5],
  },
  {
    what: "an edition of which no file is left took over all the same",
    segments: ["1.1", "5.1", "9.3"],
    snapshots: ["4.1"],
    begun: [[2, 4], [3, 9]],
    superseded: ["segment 5.1", "snapshot 4.1"],
    editionFirsts: [4, 9],
  },
  {
    what: "only the newest editions are named, and an unknown one as the next",
    segments: ["30.20"],
    snapshots: ["2.20"],
    begun: [[4, 40], [5, 50], [6, 60], [18, 80]],
    superseded: [],
    editionFirsts: [50, 60, ...Array(12).fill(80), 30, 30],
  },
  {
    what: "what is strange takes over from nothing, and counts for nothing",
    segments: ["1.1", "3.2", "5.1"],
    snapshots: ["4.1", "4.3"],
    strange: ["segment 3.2", "snapshot 4.3"],
    superseded: ["segment 3.2", "snapshot 4.3"],
    editionFirsts: [],
  },
  {
    what: "nothing takes over while nothing decides whose files they are",
    segments: ["1.1", "1.2"],
    snapshots: ["4.1", "4.2"],
    contested: true,
    superseded: [],
    editionFirsts: [1],
  },
];

for (const row of rows) {
  const { what, segments, snapshots, superseded } = row;
  test(`newestEditions(): ${what}`, () => {
    const all = {
      segments: files("segment", ...segments),
      snapshots: files("snapshot", ...snapshots),
    };
    const sorted = { ...all, directory: "", stem: "", temporary: [] };
    const { begun, strange = [], contested = false } = row;
    const found = newestEditions(sorted, {
      empty: new Set(),
      strange: new Set(
        [...all.segments, ...all.snapshots].filter(({ name }) => strange.includes(name)),
      ),
      contested,
      idRenewed: false,
      begun: new Map(begun),
    });
    const names = (list: NamedFile[]) => list.map(({ name }) => name).sort();
    assertEquals(names(found.superseded), [...superseded].sort());
    const left = [...all.segments, ...all.snapshots].filter(({ name }) =>
      !superseded.includes(name)
    );
    assertEquals(names([...found.segments, ...found.snapshots]), names(left));
    if (row.editionFirsts !== undefined) assertEquals(found.editionFirsts, row.editionFirsts);
    const editions = [...segments, ...snapshots].map((place) => Number(place.split(".")[1]));
    assertEquals(editionOf(sorted), Math.max(...editions));
  });
}

test("inEdition() and begunAt() keep the beginnings of the newest sixteen editions", () => {
  let own = { edition: 1, editionFirsts: [] as readonly number[] };
  assertEquals(begunAt(own, 7), own);
  for (let edition = 2; edition <= 20; edition++) {
    own = inEdition(own, edition);
    assertEquals(own.editionFirsts.at(-1), NOT_BEGUN);
    own = begunAt(begunAt(own, edition * 10), edition * 10 + 5);
  }
  assertEquals(own.edition, 20);
  assertEquals(own.editionFirsts, Array.from({ length: 16 }, (_, i) => (i + 5) * 10));
  assertEquals(inEdition(own, 22).editionFirsts.slice(-3), [200, NOT_BEGUN, NOT_BEGUN]);
  assertEquals([isSettled({ edition: 4 }, own), isSettled({ edition: 3 }, own)], [true, false]);
});

test("isEdition() accepts exactly as many beginnings as the edition must have, and none for the first", () => {
  const rows: [unknown, unknown, boolean][] = [
    [undefined, undefined, true],
    [undefined, [5], false],
    [1, [], false],
    [2, undefined, false],
    [2, [5], true],
    [2, [6], false],
    [2, [0], false],
    [2, [1.5], false],
    [2, ["5"], false],
    [2, "5", false],
    [2, {}, false],
    [2, [4, 5], false],
    [3, [9, 5], true],
    [3, [5], false],
    ["3", [9, 5], false],
    [18, Array(16).fill(5), true],
    [18, Array(17).fill(5), false],
  ];
  for (const [edition, editionFirsts, expected] of rows) {
    const says = isEdition({ edition, editionFirsts }, 5);
    assertEquals(says, expected, `${edition} ${JSON.stringify(editionFirsts)}`);
  }
});
