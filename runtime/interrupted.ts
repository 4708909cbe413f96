/**
 * Repeats calls that a signal has interrupted. The runtimes themselves repeat only some of them: Bun no sync, Deno no
 * read, write or lock, Node no read.
 *
 * Only calls that may be made twice belong here. `close` is not one of them, since an interrupted one has still
 * released the descriptor; nor are calls that change a name: the second would fail because the first took effect. An
 * interrupted sync has reported nothing about the disk and dropped nothing, unlike one that failed.
 *
 * @module
 */

import type { MaybePromise } from "../src/durable_fs.ts";
import { withCode } from "./errno.ts";

/** How often to repeat a call. One that is interrupted each time would keep the process busy forever. */
const ATTEMPTS_MAX = 1000;

/**
 * Makes a call until no signal interrupts it. A failure, now or later, gets its true name. A synchronous answer creates
 * no promise.
 */
export function uninterrupted<T>(call: () => MaybePromise<T>, attempt = 1): MaybePromise<T> {
  for (;; attempt++) {
    try {
      const answer = call();
      if (!(answer instanceof Promise)) return answer;
      return answer.catch((error) => {
        refuseUnlessInterrupted(error, attempt);
        return uninterrupted(call, attempt + 1);
      });
    } catch (error) {
      refuseUnlessInterrupted(error, attempt);
    }
  }
}

/** The same for a call that always makes a promise. */
export async function uninterruptedLater<T>(call: () => Promise<T>): Promise<T> {
  return await uninterrupted(call);
}

function refuseUnlessInterrupted(error: unknown, attempt: number): void {
  const cause = withCode(error);
  const isInterrupted = (cause as { code?: unknown } | null)?.code === "EINTR";
  if (!isInterrupted || attempt >= ATTEMPTS_MAX) throw cause;
}
