/**
 * What can happen to the files of a state directory while nobody writes them: lines and files spliced, doubled,
 * reordered, cut, swapped, renamed, put back from earlier, or taken from another journal. Every checksum is one that was
 * honestly written; those made to fool are in structure_forgery.ts.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { Random } from "../test/support/random.ts";
import { filesOf, type History } from "./structure_history.ts";
import { DIRECTORY } from "./world.ts";

/** A place in something of unknown size: the remainder of a division by the size. */
type Pick = number;

/** What new bytes are taken from. */
type Filler = "rubbish" | "zeros" | "line feeds" | "an earlier version" | "another file";

/** One damage. */
export type Damage =
  | { kind: "flip a bit"; file: Pick; at: Pick; bit: number }
  | { kind: "overwrite"; file: Pick; at: Pick; size: number; from: Filler; source: Pick }
  | { kind: "insert"; file: Pick; at: Pick; size: number; from: Filler; source: Pick }
  | { kind: "extend"; file: Pick; size: number; from: Filler; source: Pick }
  | { kind: "cut out"; file: Pick; at: Pick; size: number }
  | { kind: "truncate"; file: Pick; at: Pick }
  | { kind: "remove lines"; file: Pick; line: Pick; count: number }
  | { kind: "swap lines"; file: Pick; line: Pick; other: Pick }
  | LineTransfer
  | { kind: "swap files"; file: Pick; other: Pick }
  | { kind: "rename" | "duplicate"; file: Pick; as: "wal" | "snapshot"; sequence: number }
  | { kind: "delete"; file: Pick }
  | { kind: "put back"; file: Pick; version: Pick }
  | { kind: "put in another journal's file"; theirs: Pick; file: Pick | null };

/** Lines that get to another place, of the same file or of another one. */
interface LineTransfer {
  kind: "copy lines" | "move lines" | "copy another journal's lines";
  from: Pick;
  line: Pick;
  count: number;
  to: Pick;
  before: Pick;
  /** Whether they replace as many as they are. */
  replace: boolean;
}

const place = fc.nat({ max: 0xffff });
const filler = fc.constantFrom<Filler[]>(
  "rubbish",
  "zeros",
  "line feeds",
  "an earlier version",
  "another file",
);
const size = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 40 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 1200 }) },
);
const count = fc.integer({ min: 1, max: 3 });

/** Sequences that names get: those of a short history, and some that no history has. */
const sequence = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 24 }) },
  { weight: 1, arbitrary: fc.constantFrom(1_000_000, 2 ** 53 - 1, 2 ** 53) },
);

/** Any single damage that leaves the checksums unchanged. */
export const damages: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({
    kind: fc.constant("flip a bit" as const),
    file: place,
    at: place,
    bit: fc.integer({ min: 0, max: 7 }),
  }),
  fc.record({
    kind: fc.constantFrom("overwrite" as const, "insert" as const),
    file: place,
    at: place,
    size,
    from: filler,
    source: place,
  }),
  fc.record({
    kind: fc.constant("extend" as const),
    file: place,
    size,
    from: filler,
    source: place,
  }),
  fc.record({ kind: fc.constant("cut out" as const), file: place, at: place, size }),
  fc.record({ kind: fc.constant("truncate" as const), file: place, at: place }),
  fc.record({ kind: fc.constant("remove lines" as const), file: place, line: place, count }),
  fc.record({ kind: fc.constant("swap lines" as const), file: place, line: place, other: place }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "copy lines" as const,
        "move lines" as const,
        "copy another journal's lines" as const,
      ),
      from: place,
      line: place,
      count,
      to: place,
      before: place,
      replace: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant("swap files" as const), file: place, other: place }),
  fc.record({
    kind: fc.constantFrom("rename" as const, "duplicate" as const),
    file: place,
    as: fc.constantFrom("wal" as const, "snapshot" as const),
    sequence,
  }),
  fc.record({ kind: fc.constant("delete" as const), file: place }),
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("put back" as const), file: place, version: place }),
  },
  fc.record({
    kind: fc.constant("put in another journal's file" as const),
    theirs: place,
    file: fc.option(place),
  }),
);

/** Does one damage. One that finds nothing to damage does nothing. */
export function inflict(damage: Damage, disk: PowerCutDisk, own: History, other: History): void {
  const files = filesOf(disk);
  if (damage.kind === "put back") return putBack(damage, disk, own);
  if (damage.kind === "put in another journal's file") return putIn(damage, disk, other);
  if (files.length === 0) return;
  switch (damage.kind) {
    case "swap files": {
      const [a, b] = [at(files, damage.file), at(files, damage.other)];
      const bytes = disk.peek(a)!;
      disk.plant(a, disk.peek(b)!);
      return disk.plant(b, bytes);
    }
    case "rename":
    case "duplicate": {
      const path = at(files, damage.file);
      const bytes = disk.peek(path)!;
      if (damage.kind === "rename") disk.unplant(path);
      return disk.plant(pathOf(damage.as, damage.sequence), bytes);
    }
    case "delete":
      return disk.unplant(at(files, damage.file));
    case "remove lines":
    case "swap lines":
      return editLines(disk, at(files, damage.file), (lines) => {
        const line = damage.line % lines.length;
        if (damage.kind === "remove lines") return lines.toSpliced(line, damage.count);
        const other = damage.other % lines.length;
        return lines.with(line, lines[other]!).with(other, lines[line]!);
      });
    case "copy lines":
    case "move lines":
    case "copy another journal's lines":
      return transfer(damage, disk, files, other);
    default:
      return editBytes(damage, disk, files, own);
  }
}

/** The path of the segment or snapshot with a sequence. */
export function pathOf(kind: "wal" | "snapshot", sequence: number): string {
  return `${DIRECTORY}/w-${String(sequence).padStart(16, "0")}.${kind}.jsonl`;
}

function at<T>(items: readonly T[], place: Pick): T {
  return items[place % items.length]!;
}

function putBack(damage: Damage & { kind: "put back" }, disk: PowerCutDisk, own: History): void {
  const [path, versions] = at([...own.versions], damage.file);
  disk.plant(path, at(versions, damage.version));
}

function putIn(
  { theirs, file }: Damage & { kind: "put in another journal's file" },
  disk: PowerCutDisk,
  other: History,
): void {
  const [path, versions] = at([...other.versions], theirs);
  const files = filesOf(disk);
  disk.plant(file === null || files.length === 0 ? path : at(files, file), versions.at(-1)!);
}

/** The bytes of a text that has one character for each. */
export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

type Lines = string[];
const latin1 = new TextDecoder("latin1");

function linesOf(bytes: Uint8Array): Lines {
  return latin1.decode(bytes).split("\n");
}

function editLines(disk: PowerCutDisk, path: string, edit: (lines: Lines) => Lines): void {
  disk.plant(path, bytesOf(edit(linesOf(disk.peek(path)!)).join("\n")));
}

function transfer(
  { kind, from, line, count, to, before, replace }: LineTransfer,
  disk: PowerCutDisk,
  files: string[],
  other: History,
): void {
  const source = kind === "copy another journal's lines"
    ? at([...other.versions.values()], from).at(-1)!
    : disk.peek(at(files, from))!;
  const lines = linesOf(source);
  const first = line % lines.length;
  const taken = lines.slice(first, first + count);
  if (kind === "move lines") {
    editLines(disk, at(files, from), (lines) => lines.toSpliced(first, count));
  }
  editLines(
    disk,
    at(files, to),
    (lines) => lines.toSpliced(before % lines.length, replace ? taken.length : 0, ...taken),
  );
}

function editBytes(
  damage: Damage & {
    kind: "flip a bit" | "overwrite" | "insert" | "extend" | "cut out" | "truncate";
  },
  disk: PowerCutDisk,
  files: string[],
  own: History,
): void {
  const path = at(files, damage.file);
  const bytes = disk.peek(path)!;
  const offset = damage.kind === "extend" ? bytes.length : damage.at % (bytes.length + 1);
  const [head, tail] = [bytes.subarray(0, offset), bytes.subarray(offset)];
  switch (damage.kind) {
    case "flip a bit":
      if (offset < bytes.length) bytes[offset]! ^= 1 << damage.bit;
      return disk.plant(path, bytes);
    case "truncate":
      return disk.plant(path, head);
    case "cut out":
      return disk.plant(path, joined(head, tail.subarray(damage.size)));
    default: {
      const made = make(damage, disk, files, own, { path, offset });
      const rest = damage.kind === "overwrite" ? tail.subarray(made.length) : tail;
      return disk.plant(path, joined(head, made, rest));
    }
  }
}

function make(
  { size, from, source }: { size: number; from: Filler; source: Pick },
  disk: PowerCutDisk,
  files: string[],
  own: History,
  { path, offset }: { path: string; offset: number },
): Uint8Array {
  const random = new Random(source);
  switch (from) {
    case "rubbish":
      return Uint8Array.from({ length: size }, () => random.below(256));
    case "zeros":
      return new Uint8Array(size);
    case "line feeds":
      return new Uint8Array(size).fill(10);
    case "an earlier version": {
      // At its old place, as blocks that a lying disk never wrote would be.
      const version = at(own.versions.get(path) ?? [new Uint8Array(size)], source);
      return version.slice(offset, offset + size);
    }
    case "another file": {
      const bytes = disk.peek(at(files, source))!;
      const start = random.below(bytes.length + 1);
      return bytes.slice(start, start + size);
    }
  }
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
