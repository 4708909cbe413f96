// Gives a test its own directory, removed when the test ends.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory that lives as long as the `await using` that holds it. */
export class TemporaryDirectory implements AsyncDisposable {
  /** Its absolute path. */
  readonly path: string;

  /** Use {@linkcode temporaryDirectory}. */
  constructor(path: string) {
    this.path = path;
  }

  /** The path of something inside. */
  join(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** Removes it with all that is inside. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Makes an empty directory. */
export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  return new TemporaryDirectory(await mkdtemp(join(tmpdir(), "ministate-test-")));
}
