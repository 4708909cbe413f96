// Reads what strace wrote (`-f -y`) into calls that begin and end, in the order in which the system saw them.
//
// Only what changes files counts. Writes without a system call (`mmap`) or that strace can't show (`io_uring`) are not
// seen; the rules notice an acknowledgement before which nothing was written.

import { posix } from "node:path";

/** What a call does to files, whatever it is called. */
export type CallKind = "open" | "write" | "sync" | "rename" | "remove" | "makeDirectory";

/** `ftruncate` is not among them: the library cuts line feeds off, and nothing depends on when that is durable. */
const KINDS: Record<string, CallKind> = {
  open: "open",
  openat: "open",
  creat: "open",
  write: "write",
  writev: "write",
  pwrite64: "write",
  pwritev: "write",
  pwritev2: "write",
  fsync: "sync",
  fdatasync: "sync",
  rename: "rename",
  renameat: "rename",
  renameat2: "rename",
  unlink: "remove",
  unlinkat: "remove",
  mkdir: "makeDirectory",
  mkdirat: "makeDirectory",
};

/** The names of the calls that strace must show. */
export const TRACED: readonly string[] = Object.keys(KINDS);

/** One system call. */
export interface Call {
  kind: CallKind;
  /** The file, and for a rename also the new name; absolute. */
  paths: string[];
  /** The arguments as strace shows them. */
  text: string;
}

/** A moment of a call. A call that another thread interrupted in the trace has others between its two. */
export interface CallEvent {
  at: "begin" | "end";
  /** The line of the trace, from 1 on. */
  line: number;
  call: Call;
  /** At the end: what it returned; below 0 when it failed. */
  result: number;
}

/** Lists the moments of the calls that concern a file below `folder`. */
export function* readTrace(trace: string, folder: string): Generator<CallEvent> {
  const pending = new Map<string, { call: Call | null; text: string }>();
  const lines = trace.split("\n");
  // What follows the last line feed is half a line, cut short by the kill.
  lines.pop();
  for (const [index, whole] of lines.entries()) {
    const line = index + 1;
    const [, thread, text] = /^(\d+)\s+(.*)$/.exec(whole) ?? fail(line, whole);
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text!);
    if (resumed !== null) {
      const begun = pending.get(thread!);
      pending.delete(thread!);
      if (!begun?.call) continue;
      yield { at: "end", line, call: begun.call, result: resultOf(begun.text + resumed[1]) };
      continue;
    }
    const unfinished = text!.endsWith("<unfinished ...>");
    const call = readCall(text!, folder);
    if (unfinished) pending.set(thread!, { call, text: text! });
    if (call === null) continue;
    yield { at: "begin", line, call, result: 0 };
    if (!unfinished) yield { at: "end", line, call, result: resultOf(text!) };
  }
}

function fail(line: number, text: string): never {
  throw new Error(`line ${line} of the trace is not one of "strace -f": ${text.slice(0, 200)}`);
}

/** A directory's descriptor, if there is one, and a path. */
const PATH_ARGUMENT = /(?:(?:AT_FDCWD|\d+)<([^>]*)>,\s*)?"((?:[^"\\]|\\.)*)"/g;

function readCall(text: string, folder: string): Call | null {
  const name = /^\w+(?=\()/.exec(text)?.[0] ?? "";
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name]! : null;
  if (kind === null || !text.includes(folder)) return null;
  // The path of a descriptor; for a removed file, a note follows it.
  const descriptor = /^\w+\(\d+<([^>]*?)(?: \(deleted\))?>/.exec(text)?.[1];
  const paths = kind === "write" || kind === "sync"
    ? [descriptor ?? [...text.matchAll(PATH_ARGUMENT)][0]?.[2] ?? ""]
    : [...text.matchAll(PATH_ARGUMENT)].map(([, base, path]) => posix.resolve(base ?? "/", path!));
  const wanted = paths.some((path) => path === folder || path.startsWith(`${folder}/`));
  return wanted ? { kind, paths, text } : null;
}

/** What follows the last closing bracket. A call that was killed has no result, and counts as failed. */
function resultOf(text: string): number {
  const result = /^.*\)\s+= (-?\d+)/.exec(text)?.[1];
  return result === undefined ? -1 : Number(result);
}
