// The rules that a durable program keeps in its system calls, whether or not the file system would forgive a lapse.
//
// ext4 commits names with the next sync of any file, so a directory that is never synced does no harm there that a power
// cut could show. Here it does: every file and name that an acknowledged mutation needs must have been synced itself.

import { dirname } from "node:path";
import { type Call, type CallEvent, readTrace } from "./trace_read.ts";

/** A rule that was broken, first at this line. */
export interface Violation {
  /**
   * `bytes`: acknowledged before what was written to the file was synced. `name`: acknowledged before the directory of
   * a new name was synced. `rename`: got its name before its bytes were synced. `removal`: a segment or snapshot went
   * before its replacement was durable. `unseen`: acknowledged, and nothing had been written.
   */
  rule: "bytes" | "name" | "rename" | "removal" | "unseen";
  path: string;
  line: number;
}

/** What a trace shows. */
export interface TraceFindings {
  acknowledged: number;
  /** How many segments and snapshots were removed. */
  removals: number;
  /** Each path once for each rule. */
  violations: Violation[];
}

/** What is known of one file or directory. Moments are counted in events. */
interface Item {
  /** When its bytes last changed. */
  changed: number;
  /** Up to when its bytes, or its names, are synced: when the sync began. */
  synced: number;
}

const SEGMENT = /-(\d{16})\.wal\.jsonl$/;
/** A snapshot repeats what segments hold, so that nothing depends on it until they go. */
const SNAPSHOT = /-(\d{16})\.snapshot\.jsonl$/;
/** A file that has not got its name yet. */
const TEMPORARY = /\.tmp$/;

/**
 * Checks a trace of a program that began in an empty folder.
 *
 * @param folder where it keeps its state
 * @param said the file to which it writes `ack DIRECTORY SEQUENCE` once a mutation is durable; in the folder's parent
 */
export function checkTrace(trace: string, folder: string, said: string): TraceFindings {
  const rules = new Rules(folder, said);
  for (const event of readTrace(trace, dirname(said))) rules.see(event);
  return rules.findings;
}

class Rules {
  readonly findings: TraceFindings = { acknowledged: 0, removals: 0, violations: [] };
  readonly #folder: string;
  readonly #said: string;
  readonly #items = new Map<string, Item>();
  /** Since when each name is there. */
  readonly #names = new Map<string, number>();
  /** What calls under way are about, and when they began: a file can be renamed meanwhile. */
  readonly #underWay = new Map<Call, { item: Item; begun: number }>();
  readonly #broken = new Set<string>();
  #now = 0;
  #lastAcknowledged = 0;
  #line = 0;

  constructor(folder: string, said: string) {
    this.#folder = folder;
    this.#said = said;
  }

  see({ at, line, call, result }: CallEvent): void {
    this.#now++;
    this.#line = line;
    const [path] = call.paths as [string];
    if (path === this.#said) {
      const directory = /"ack (\S+) \d+\\n"/.exec(call.text)?.[1];
      if (at === "begin" && directory !== undefined) this.#acknowledge(directory);
    } else if (path === this.#folder || path.startsWith(`${this.#folder}/`)) {
      if (at === "begin") this.#begin(call, path);
      else this.#end(call, path, result);
    }
  }

  #begin(call: Call, path: string): void {
    const item = this.#item(path);
    this.#underWay.set(call, { item, begun: this.#now });
    // From here on the bytes may be there.
    if (call.kind === "write") item.changed = this.#now;
    if (call.kind === "rename" && isDirty(item)) this.#break("rename", call.paths[1]!);
    if (call.kind === "remove") this.#remove(path);
  }

  #end(call: Call, path: string, result: number): void {
    const { item, begun } = this.#underWay.get(call)!;
    this.#underWay.delete(call);
    if (result < 0) return;
    if (call.kind === "sync") item.synced = Math.max(item.synced, begun);
    if (call.kind === "write") item.changed = this.#now;
    if (call.kind === "open") this.#open(call, path, item);
    if (call.kind === "makeDirectory") this.#names.set(path, this.#now);
    if (call.kind === "remove") this.#forget(path);
    if (call.kind === "rename") {
      this.#forget(path);
      this.#items.set(call.paths[1]!, item);
      this.#names.set(call.paths[1]!, this.#now);
    }
  }

  #open(call: Call, path: string, item: Item): void {
    if (call.text.includes("O_TRUNC")) item.changed = this.#now;
    const made = call.text.includes("O_CREAT") || call.text.startsWith("creat(");
    if (made && !this.#names.has(path)) this.#names.set(path, this.#now);
  }

  /** What the mutation in `directory` needs must be durable now. */
  #acknowledge(directory: string): void {
    this.findings.acknowledged++;
    const isNeeded = (path: string) =>
      path.startsWith(`${directory}/`) && !TEMPORARY.test(path) && !SNAPSHOT.test(path);
    const needed = [...this.#items].filter(([path]) => isNeeded(path));
    if (!needed.some(([, { changed }]) => changed > this.#lastAcknowledged)) {
      this.#break("unseen", directory);
    }
    this.#lastAcknowledged = this.#now;
    for (const [path, item] of needed) if (isDirty(item)) this.#break("bytes", path);
    for (const path of this.#names.keys()) {
      // The directory's own name too, and those of the ones above.
      const isAbove = directory === path || directory.startsWith(`${path}/`);
      if ((isNeeded(path) || isAbove) && !this.#isNamed(path)) this.#break("name", path);
    }
  }

  /** A segment or snapshot may go only when a later snapshot, durable by name, replaces it. */
  #remove(path: string): void {
    const [, segment] = SEGMENT.exec(path) ?? [];
    const [, snapshot] = SNAPSHOT.exec(path) ?? [];
    if (segment === undefined && snapshot === undefined) return;
    this.findings.removals++;
    const wanted = segment === undefined
      ? Number(snapshot) + 1
      : Math.min(...this.#sequences(path, SEGMENT).filter((first) => first > Number(segment))) - 1;
    const standsIn = this.#sequences(
      path,
      SNAPSHOT,
      (other) => this.#isNamed(other) && !isDirty(this.#item(other)),
    );
    if (!standsIn.some((sequence) => sequence >= wanted)) this.#break("removal", path);
  }

  /** The sequences in the names beside `path`. */
  #sequences(path: string, pattern: RegExp, isWanted = (_: string) => true): number[] {
    return [...this.#names.keys()]
      .filter((other) => dirname(other) === dirname(path) && pattern.test(other) && isWanted(other))
      .map((other) => Number(pattern.exec(other)![1]));
  }

  #isNamed(path: string): boolean {
    return this.#names.get(path)! < this.#item(dirname(path)).synced;
  }

  #item(path: string): Item {
    const item = this.#items.get(path) ?? { changed: 0, synced: 0 };
    this.#items.set(path, item);
    return item;
  }

  #forget(path: string): void {
    this.#items.delete(path);
    this.#names.delete(path);
  }

  #break(rule: Violation["rule"], path: string): void {
    const key = `${rule} ${path}`;
    if (this.#broken.has(key)) return;
    this.#broken.add(key);
    this.findings.violations.push({ rule, path, line: this.#line });
  }
}

function isDirty({ changed, synced }: Item): boolean {
  return changed > synced;
}
