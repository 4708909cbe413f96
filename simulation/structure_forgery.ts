/**
 * What somebody who knows the format can do to a state directory: lines and files with valid checksums and hostile
 * content, and hostile names beside ours. A checksum is not a signature, so such a journal may be taken for a sound one; it
 * must not do more than that.
 *
 * @module
 */

import fc from "fast-check";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { SpecialFile } from "../testing/disk/names.ts";
import { checksumOf } from "../test/support/files.ts";
import { crc32 } from "node:zlib";
import {
  HOSTILE_NAMES,
  HOSTILE_NUMBERS,
  HOSTILE_RANGES,
  HOSTILE_TEXTS,
} from "./hostile_content.ts";
import { bytesOf, pathOf } from "./structure_damage.ts";
import { filesOf } from "./structure_history.ts";
import { DIRECTORY } from "./world.ts";

const hostileNumber = fc.constantFrom(...HOSTILE_NUMBERS);
const hostileText = fc.constantFrom(...Object.keys(HOSTILE_TEXTS));
const place = fc.nat({ max: 0xffff });

/** One forgery. Numbers are text, so that they need not be valid numbers; `null` keeps the right one. */
export type Forgery =
  | {
    kind: "a record";
    file: number;
    line: number | null;
    text: string;
    sequence: string | null;
    horizon: string | null;
    timestamp: string;
    notes: string;
  }
  | { kind: "a seal"; file: number; sequence: string; outcomes: string }
  | {
    kind: "a segment";
    sequence: string;
    position: string | null;
    header: Header;
    outcomes: string;
    text: string;
  }
  | {
    kind: "a snapshot";
    sequence: string;
    position: string | null;
    header: Header;
    parts: string[];
    count: string | null;
  }
  | { kind: "a name"; name: number; node: "file" | "directory" | "link" | "pipe"; within: boolean };

interface Header {
  format: string;
  id: string | null;
  mutator: string;
  version: string;
}

const hostileHeader: fc.Arbitrary<Header> = fc.record({
  format: fc.oneof({ weight: 6, arbitrary: fc.constant("1") }, hostileNumber),
  id: fc.option(fc.constantFrom('"__proto__"', '"../x"', "1", `"${"i".repeat(5000)}"`), {
    freq: 4,
  }),
  mutator: fc.oneof(
    { weight: 6, arbitrary: fc.constant('"collector"') },
    fc.constantFrom("null", "7", '"__proto__"', `"${"m".repeat(3000)}"`, `"${"m".repeat(5000)}"`),
  ),
  version: fc.oneof({ weight: 6, arbitrary: fc.constant("1") }, hostileNumber),
});

/** Mostly a valid one: what follows any other is not even read. */
const header: fc.Arbitrary<Header> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.constant({ format: "1", id: null, mutator: '"collector"', version: "1" }),
  },
  hostileHeader,
);

const sequence = fc.oneof(
  fc.integer({ min: 0, max: 12 }).map(String),
  fc.constantFrom("9007199254740990", "9007199254740991", "9007199254740992", "9999999999999999"),
);

const ROOT = '[[],{"ids":[]}]';

const ranges = fc.constantFrom(...HOSTILE_RANGES);

/** What a line says of outcomes, after a comma; often nothing. */
const outcomes = fc.oneof(
  { weight: 3, arbitrary: fc.constant("") },
  { weight: 3, arbitrary: ranges.map((ranges) => `,"refused":${ranges}`) },
  { weight: 1, arbitrary: fc.constantFrom(',"undecided":true', ',"undecided":1') },
);

const notes = fc.oneof(
  { weight: 3, arbitrary: fc.constant("") },
  { weight: 2, arbitrary: ranges.map((ranges) => `{"refused":${ranges}},`) },
  { weight: 2, arbitrary: ranges.map((ranges) => `{"groups":${ranges}},`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("{},", "[],", "null,", "1,", '"x",', '{"__proto__":{"groups":1}},'),
  },
);

/** The path of a part of a forged snapshot, with what goes there. */
const part = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ROOT,
      "[[],1]",
      "[[],null]",
      '[["ids"],[1,2,3],1]',
      '[["__proto__"],{"polluted":1}]',
      '[["__proto__","polluted"],1]',
      '[["constructor","prototype","polluted"],1]',
      '[["ids","__proto__","polluted"],1]',
      '[["ids","length"],4294967295]',
      '[["ids",4294967294],1]',
      '[["ids",-1],1]',
      '[["ids",0.5],1]',
      '[["ids",{"toString":1}],1]',
      '[[["ids"]],1]',
      '[["ids"],{"__proto__":{"polluted":1}},1]',
      "[{},1]",
      "{}",
      "",
    ),
  },
  hostileText.map((text) => `text ${text}`),
);

/** Any one forgery. */
export const forgeries: fc.Arbitrary<Forgery> = fc.oneof(
  fc.record({
    kind: fc.constant("a record" as const),
    file: place,
    line: fc.option(place, { freq: 2 }),
    text: hostileText,
    sequence: fc.option(hostileNumber, { freq: 3 }),
    horizon: fc.option(hostileNumber, { freq: 3 }),
    timestamp: fc.oneof({ weight: 3, arbitrary: fc.constant("0") }, hostileNumber),
    notes,
  }),
  fc.record({
    kind: fc.constant("a seal" as const),
    file: place,
    // Most hostile numbers are none of this journal's sequences, and then nothing else is read.
    sequence: fc.oneof(sequence, hostileNumber),
    outcomes,
  }),
  fc.record({
    kind: fc.constant("a segment" as const),
    sequence,
    position: fc.option(hostileNumber, { freq: 4 }),
    header,
    outcomes,
    text: hostileText,
  }),
  fc.record({
    kind: fc.constant("a snapshot" as const),
    sequence,
    position: fc.option(hostileNumber, { freq: 4 }),
    header,
    // Mostly after a root, without which no other part has an effect.
    parts: fc.oneof(
      {
        weight: 4,
        arbitrary: fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => [ROOT, ...parts]),
      },
      fc.array(part, { maxLength: 4 }),
    ),
    count: fc.option(hostileNumber, { freq: 4 }),
  }),
  fc.record({
    kind: fc.constant("a name" as const),
    name: place,
    node: fc.constantFrom("file" as const, "directory" as const, "link" as const, "pipe" as const),
    within: fc.boolean(),
  }),
);

/** Does one forgery; one that finds no place does nothing. */
export function forge(forgery: Forgery, disk: PowerCutDisk): void {
  switch (forgery.kind) {
    case "a record":
    case "a seal":
      return forgeLine(forgery, disk);
    case "a segment": {
      const { sequence, position, header, outcomes, text } = forgery;
      const line = headerLine("journal", "first", position ?? sequence, header, outcomes);
      const first = `[${sequence},${textOf(text)},${Number(sequence) - 1},0,`;
      const body = line + sealed(first, '"]', checksumOf(line));
      return disk.plant(
        pathOf("wal", Number(sequence)).replace(/\d{16,}/, sequence.padStart(16, "0")),
        bytesOf(body),
      );
    }
    case "a snapshot": {
      const { sequence, position, header, parts, count } = forgery;
      const line = headerLine("snapshot", "sequence", position ?? sequence, header);
      const lines = parts.map((part) =>
        part.startsWith("text ") ? `[[],${textOf(part.slice(5))}]\n` : `${part}\n`
      ).join("");
      const seed = crc32(lines, checksumOf(line));
      const end = sealed(`{"end":${count ?? parts.length}`, '"}', seed, ',"crc":');
      const path = `${DIRECTORY}/w-${sequence.padStart(16, "0")}.snapshot.jsonl`;
      return disk.plant(path, bytesOf(line + lines + end));
    }
    case "a name":
      return plantName(forgery, disk);
  }
}

/** Adds a line under the header that a segment has, whichever that is, so that its checksum is right. */
function forgeLine(forgery: Forgery & { kind: "a record" | "a seal" }, disk: PowerCutDisk): void {
  const paths = filesOf(disk).filter((path) => path.endsWith(".wal.jsonl"));
  if (paths.length === 0) return;
  const path = paths[forgery.file % paths.length]!;
  const text = new TextDecoder("latin1").decode(disk.peek(path)!).trimEnd();
  const lines = text.split("\n");
  // Under a header that is damaged, no line can be right: any checksum will do.
  const seed = checksumOf(lines[0]!) || 0;
  const last = Number(
    /^\[(\d+),/.exec(lines.findLast((line) => line.startsWith("[")) ?? "")?.[1] ?? 0,
  );
  let line: string;
  let at = lines.length;
  if (forgery.kind === "a seal") {
    line = sealed(`{"seal":${forgery.sequence}${forgery.outcomes}`, '"}', seed, ',"crc":');
  } else {
    const { sequence, horizon, timestamp, notes, text } = forgery;
    const body = `[${sequence ?? last + 1},${textOf(text)},${
      horizon ?? last
    },${timestamp},${notes}`;
    line = sealed(body, '"]', seed);
    if (forgery.line !== null) at = 1 + forgery.line % lines.length;
  }
  disk.plant(
    path,
    bytesOf([...lines.slice(0, at), line.trimEnd(), ...lines.slice(at), ""].join("\n")),
  );
}

function headerLine(
  kind: string,
  position: string,
  value: string,
  header: Header,
  outcomes = "",
): string {
  const { format, id, mutator, version } = header;
  const number = value.replace(/^0+(?=\d)/, "");
  // Of no history that is known, and so of any.
  const after = kind === "journal" && !["0", "1"].includes(number) ? ',"after":null' : "";
  const open = `{"ministate":"${kind}","format":${format},"id":${id ?? '"0123456789abcdef"'},` +
    `"${position}":${number}${after},"mutator":${mutator},"version":${version},"timestamp":0${outcomes}`;
  return sealed(open, '"}', 0, ',"crc":');
}

/** Text followed by its checksum; what comes between the two is not covered by it. */
function sealed(text: string, close: string, seed: number, between = ""): string {
  return `${text}${between}"${crc32(text, seed).toString(16).padStart(8, "0")}${close}\n`;
}

function textOf(name: string): string {
  return HOSTILE_TEXTS[name]!();
}

function plantName(
  { name, node, within }: Forgery & { kind: "a name" },
  disk: PowerCutDisk,
): void {
  const folder = within ? `${DIRECTORY}/quarantine` : DIRECTORY;
  // A file may have the folder's name by now.
  if (within && disk.paths(folder).includes(folder)) return;
  if (within && disk.paths(folder).length === 0) disk.plantDirectory(folder);
  const path = `${folder}/${HOSTILE_NAMES[name % HOSTILE_NAMES.length]!}`;
  if (node === "file") disk.plant(path, bytesOf("not ours\n"));
  else if (node === "directory") disk.plantDirectory(path);
  else disk.plant(path, new SpecialFile(node));
}
