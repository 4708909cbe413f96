// Tests that state directories recorded in every format so far open with the same content, and encode to the same bytes.

import { cp, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { assert, assertEquals } from "@std/assert";
import { StateManager } from "@ministate/ministate";
import {
  BatchEncoder,
  encodeBeginning,
  encodeControlLine,
  encodeHeader,
  encodeSeal,
} from "../../src/format/encode.ts";
import { encodeState } from "../../src/format/snapshot_encode.ts";
import { journalName, ledger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const folder = dirname(fileURLToPath(import.meta.url));
const decoder = new TextDecoder();

interface Golden {
  path: string;
  /** The mutator's name and version that the directory was written with. */
  identity: { name?: string; version: number };
  // deno-lint-ignore no-explicit-any -- as recorded
  expected: any;
}

async function readGolden(format: string): Promise<Golden[]> {
  const names = (await readdir(join(folder, format))).filter((name) => name.endsWith(".json"));
  return await Promise.all(names.map(async (name) => {
    const path = join(folder, format, name.replace(/\.json$/, ""));
    const files = (await readdir(path)).sort();
    const text = await readFile(join(path, files[0]!), "utf8");
    const { mutator, version } = JSON.parse(text.slice(0, text.indexOf("\n")));
    const expected = JSON.parse(await readFile(join(folder, format, name), "utf8"));
    return { path, identity: mutator === null ? { version } : { name: mutator, version }, expected };
  }));
}

async function contents(path: string): Promise<Record<string, string>> {
  const names = (await readdir(path)).filter((name) => name.endsWith(".jsonl")).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(path, name), "utf8")])),
  );
}

/** A control line's content, without its checksum. */
function contentOf(line: string) {
  const { crc: _, ...content } = JSON.parse(line);
  return content;
}

/** Encodes every line of a segment again, as far as it is sound. */
function encodeSegment(text: string, end: number): string {
  const lines = text.slice(0, end).trimEnd().split("\n");
  const { initial, ...content } = contentOf(lines[0]!);
  const stateEnd = lines.findIndex((line) => line.startsWith('{"initial":'));
  const state = initial === undefined ? null : lines.slice(1, stateEnd);
  const header = encodeBeginning(content, state, crc32);
  let encoded = decoder.decode(header.bytes);
  const encoder = new BatchEncoder(crc32);
  let batch: string[] = [];
  for (const line of lines.slice(state === null ? 1 : stateEnd + 1)) {
    const record = JSON.parse(line);
    if (!Array.isArray(record)) {
      const { seal: sequence, ...rest } = contentOf(line);
      encoded += decoder.decode(encodeSeal({ sequence, ...rest }, crc32, header.checksum));
      continue;
    }
    batch.push(JSON.stringify(record[1]));
    if (record.length === 2) continue;
    const [, , horizon, timestamp, ...end] = record;
    const notes = end.length === 2 ? end[0] : undefined;
    encoded += decoder.decode(encoder.encode(batch, horizon, timestamp, header.checksum, notes));
    batch = [];
  }
  return encoded;
}

function encodeSnapshot(text: string, state: unknown): string {
  const header = encodeHeader(contentOf(text.slice(0, text.indexOf("\n"))), crc32);
  const lines = [...encodeState(state)].map((line) => `${line}\n`);
  const checksum = lines.reduce((seed, line) => crc32(line, seed), header.checksum);
  const end = encodeControlLine({ end: lines.length }, crc32, checksum);
  return decoder.decode(header.bytes) + lines.join("") + decoder.decode(end.bytes);
}

for (const format of ["format-1"]) {
  test(`open() gives what was recorded, changing nothing, when a directory is of ${format}`, async () => {
    const recorded = await readGolden(format);
    assert(recorded.length >= 4, `${recorded.length} directories`);
    for (const { path, identity, expected } of recorded) {
      await using directory = await temporaryDirectory();
      await cp(path, directory.path, { recursive: true });
      const open = (options = {}) =>
        StateManager.open(directory.path, journalName, { ...ledger, ...identity }, options);
      {
        await using reader = await open({ readOnly: true });
        const { state, sequence } = reader;
        const recovery = JSON.parse(
          JSON.stringify(reader.recovery).replaceAll(`${directory.path}/`, ""),
          (key, value) => key === "reason" ? undefined : value,
        );
        assertEquals(JSON.stringify(state), JSON.stringify(expected.state), path);
        assertEquals(
          { sequence, recovery },
          // What reports have learned to say since these were recorded.
          {
            sequence: expected.sequence,
            recovery: { created: false, lockFileDamage: null, ...expected.recovery },
          },
        );
      }
      assertEquals(await contents(directory.path), await contents(path));
      {
        await using manager = await open();
        await manager.apply("one more");
        await manager.compact();
      }
      await using manager = await open();
      assertEquals(manager.sequence, expected.sequence + 1);
      assertEquals(
        JSON.stringify(manager.state.entries),
        JSON.stringify([...expected.state.entries, "one more"]),
      );
    }
  });

  test(`every file of ${format} encodes again byte for byte`, async () => {
    for (const { path, identity, expected } of await readGolden(format)) {
      await using manager = await StateManager.open(path, journalName, { ...ledger, ...identity }, {
        readOnly: true,
      });
      for (const [name, text] of Object.entries(await contents(path))) {
        if (name.includes(".snapshot.")) {
          const sequence = Number(name.slice(5, 21));
          assertEquals(encodeSnapshot(text, await manager.stateAt(sequence)), text, name);
        } else {
          const end = expected.recovery.torn?.offset ?? Infinity;
          const offset = Buffer.from(text).subarray(0, end).toString().length;
          assertEquals(encodeSegment(text, offset), text.slice(0, offset), name);
        }
      }
    }
  });
}
