/**
 * Absolute paths without links in them, the same on every runtime.
 *
 * @module
 */

/** `path` from the root on. `here` gives the current directory; where it may not be asked for, the path stays as it is. */
export function absolutePath(path: string, here: () => string): string {
  // What is not a path is refused later, with a better message.
  if (typeof path !== "string" || path === "" || path.startsWith("/")) return path;
  try {
    return `${here()}/${path}`;
  } catch {
    // The current directory was removed, or may not be read: the path means what it means to the system.
    return path;
  }
}

/**
 * The path that `path` stands for once every link in it is followed. Names at its end that aren't there yet are kept.
 *
 * @param follow the system's own call, which fails with `ENOENT` when there is no such path
 */
export async function realPath(
  path: string,
  follow: (path: string) => Promise<string>,
): Promise<string> {
  try {
    return await follow(path);
  } catch (error) {
    const trimmed = path.replace(/\/+$/, "");
    const slash = trimmed.lastIndexOf("/");
    const name = trimmed.slice(slash + 1);
    const isMissing = (error as { code?: string }).code === "ENOENT";
    if (!isMissing || slash < 0 || name === "..") throw error;
    if (name === ".") return await realPath(trimmed.slice(0, slash) || "/", follow);
    let parent;
    try {
      parent = await realPath(trimmed.slice(0, slash) || "/", follow);
    } catch {
      // Deno may be allowed this directory and not the one above it.
      return path;
    }
    return `${parent === "/" ? "" : parent}/${name}`;
  }
}
