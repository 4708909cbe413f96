/**
 * Texts, numbers and names that are made to harm their reader.
 *
 * @module
 */

/** JSON, or nearly, by what it is made to do. Texts are long only when they are used. */
export const HOSTILE_TEXTS: Record<string, () => string> = {
  "arrays nest 100,000 deep": () => "[".repeat(100_000) + "]".repeat(100_000),
  "objects nest 100,000 deep": () => '{"a":'.repeat(100_000) + "1" + "}".repeat(100_000),
  "escaped keys nest 100,000 deep": () => '{"\\n":'.repeat(100_000) + "1" + "}".repeat(100_000),
  "arrays nest 600 deep": () => "[".repeat(600) + "]".repeat(600),
  "keys of prototypes": () =>
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"id":{"__proto__":{"polluted":1}}}',
  "escaped keys of prototypes": () =>
    '{"\\u005f_proto__":{"polluted":1},"id":{"\\u005f\\u005fproto__":{"polluted":1}}}',
  "keys that are methods": () => '{"id":{"toJSON":1,"then":1,"valueOf":null,"toString":null}}',
  "a string of a mebibyte": () => `"${"_".repeat(2 ** 20)}"`,
  "an escaped key beside a mebibyte of underscores": () => `{"\\n":"${"_".repeat(2 ** 20)}"}`,
  "a mebibyte of backslashes": () => `"${"\\".repeat(2 ** 20)}"`,
  "a mebibyte of escaped quotation marks": () => `{"\\n":"${'\\"'.repeat(2 ** 19)}"}`,
  "a number of a mebibyte": () => "1".repeat(2 ** 20),
  "a number beyond all": () => "1e999999999",
  "200,000 empty objects": () => `[${"{},".repeat(200_000)}0]`,
  "100,000 strings that look like checksums": () => `[${'"01234567",'.repeat(100_000)}0]`,
  "100,000 look-alikes of batches": () => `[${"[2,1],".repeat(100_000)}0]`,
  "half a surrogate pair": () => '"\\ud800"',
  "a name that leaves": () => '{"id":"../../outside"}',
  "nothing": () => "",
  "undefined": () => "undefined",
  "code": () => "(()=>{throw 1})()",
  "white space": () => " \t 1",
  "two values": () => "1,2",
  "a closed bracket": () => "1],[",
  "null": () => "null",
  "minus zero": () => "-0",
};

/** Numbers, or what is in their place. */
export const HOSTILE_NUMBERS: readonly string[] = [
  "0",
  "1",
  "2",
  "-1",
  "1.5",
  "1e3",
  "1e400",
  "4294967296",
  "9007199254740990",
  "9007199254740991",
  "9007199254740992",
  "99999999999999999999999",
  "null",
  '"1"',
  "[]",
  '{"__proto__":1}',
  "01",
  "",
];

const digits = "0000000000000001";

/** Names that could be taken for ours, or for a way out. */
export const HOSTILE_NAMES: readonly string[] = [
  "...",
  "..w",
  `..-${digits}.wal.jsonl`,
  `../w-${digits}.wal.jsonl`.replace("/", "\\"),
  `%2e%2e%2fw-${digits}.wal.jsonl`,
  `w-${digits}.wal.jsonl\n`,
  `\nw-${digits}.wal.jsonl`,
  `x\nw-${digits}.wal.jsonl`,
  `w-${digits}.wal.jsonl\0`,
  `w-${digits}.WAL.JSONL`,
  `w-${digits.slice(1)}.wal.jsonl`,
  `w-0${digits}.wal.jsonl`,
  `w--${digits}.wal.jsonl`,
  `w-w-${digits}.wal.jsonl`,
  `v-${digits}.wal.jsonl`,
  `-${digits}.wal.jsonl`,
  `w-${digits}.wal.jsonl.tmp`,
  `w-${digits}.snapshot.jsonl.tmp`,
  "w-9999999999999999.wal.jsonl.tmp",
  `v-${digits}.wal.jsonl.tmp`,
  `w-${digits}.wal.jsonl`,
  `w-${digits}.snapshot.jsonl`,
  "w-0000000000000000.wal.jsonl",
  "w-0000000000000000.snapshot.jsonl",
  "w-9007199254740991.wal.jsonl",
  "w-9007199254740991.snapshot.jsonl",
  "w-9007199254740992.snapshot.jsonl",
  "w-9999999999999999.wal.jsonl",
  `w-${digits}.wal.jsonl.torn-0`,
  `w-${digits}.wal.jsonl.torn-99999999999999999999999999`,
  `w-${digits}.wal.jsonl.2`,
  "lost-from-1.json",
  "lost-from-2.json",
  "quarantine",
  "quarantine.tmp",
  "ministate.lock",
  "__proto__",
  "constructor",
  "n".repeat(255),
  `w-${"١".repeat(16)}.wal.jsonl`,
  "\u202e.jsonl",
  "\ud800.jsonl",
];
