// Tests how paths are made absolute, with a file system that answers as the test says.

import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { absolutePath, realPath } from "../../runtime/paths.ts";

test("absolutePath() begins at the current directory, unless the path is absolute or not a path", () => {
  const here = () => "/here";
  const rows = [["a", "/here/a"], ["./a/..", "/here/./a/.."], ["/a", "/a"], ["", ""]] as const;
  for (const [path, found] of rows) assertEquals(absolutePath(path, here), found);
  assertEquals(absolutePath(undefined as unknown as string, here), undefined);
});

test("absolutePath() returns a path unchanged where the current directory is gone or secret", () => {
  const gone = () => {
    throw Object.assign(new Error("ENOENT: getcwd"), { code: "ENOENT" });
  };
  assertEquals(absolutePath("a", gone), "a");
});

/** Follows paths in a world where a few are there, each with what it resolves to. */
function follow(there: Record<string, string>, code = "ENOENT") {
  return (path: string) => {
    const found = there[path];
    if (found !== undefined) return Promise.resolve(found);
    return Promise.reject(Object.assign(new Error(`${code}: ${path}`), { code }));
  };
}

test("realPath() follows links as far as the path exists, and keeps the names that don't exist yet", async () => {
  const there = { "/": "/", "/link": "/real", "/link/a": "/real/a" };
  const rows = [
    ["/link/a", "/real/a"],
    ["/link/b", "/real/b"],
    ["/link/b/c//", "/real/b/c"],
    ["/link/b/.", "/real/b"],
    ["/b", "/b"],
    ["/b/c", "/b/c"],
    ["/./.", "/"],
  ] as const;
  for (const [path, found] of rows) {
    assertEquals(await realPath(path, follow(there)), found, path);
  }
});

test("realPath() fails for a .. above what is missing, and for any other error", async () => {
  await assertRejects(() => realPath("/none/..", follow({ "/": "/" })), Error, "ENOENT");
  await assertRejects(() => realPath("relative", follow({ "/": "/" })), Error, "ENOENT");
  await assertRejects(() => realPath("/a", follow({}, "EACCES")), Error, "EACCES");
});

test("realPath() returns a path unchanged where its parents may not be read", async () => {
  const one = follow({ "/": "/" });
  const secret = (path: string) =>
    path === "/secret" ? Promise.reject(new Error("not allowed")) : one(path);
  assertEquals(await realPath("/secret/state", secret), "/secret/state");
});
