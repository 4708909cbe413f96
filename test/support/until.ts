// Waits for a fact, however long a busy machine takes.

/** Comes back once `isTrue` says so. What never becomes true ends with the runner's own limit. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!await isTrue()) await new Promise((resolve) => setTimeout(resolve, 1));
}
