/**
 * Makes calls again that a signal has interrupted. Which of them the runtimes make again themselves differs: Bun no
 * sync, Deno no read, write or lock, Node no read.
 *
 * Only calls that may be made twice belong here. Not among them are `close`, which has given the descriptor back all the
 * same, and those that change a name: the second call would fail because the first was done. An interrupted sync has
 * reported nothing about the disk and dropped nothing, unlike one that failed.
 *
 * @module
 */

import type { MaybePromise } from "../src/durable_fs.ts";
import { withCode } from "./errno.ts";

/** How often to make a call again. One that is interrupted each time would keep the process busy for good. */
const ATTEMPTS_MAX = 1000;

/**
 * Makes a call until no signal interrupts it. A failure, now or later, gets its true name. A synchronous answer makes no
 * promise.
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
