/**
 * Absolute paths without links, the same on every runtime.
 *
 * @module
 */

/** `path` as an absolute path. `here` returns the current directory; if it fails, the path stays as it is. */
export function absolutePath(path: string, here: () => string): string {
  // An invalid path is refused later, with a better message.
  if (typeof path !== "string" || path === "" || path.startsWith("/")) return path;
  try {
    return `${here()}/${path}`;
  } catch {
    // The current directory was removed or may not be read: leave the path to the system.
    return path;
  }
}

/**
 * The path that `path` leads to once every link in it is followed. Names at its end that don't exist yet are kept.
 *
 * @param follow the system's own call, which fails with `ENOENT` when the path doesn't exist
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
      // Deno may have access to this directory but not to its parent.
      return path;
    }
    return `${parent === "/" ? "" : parent}/${name}`;
  }
}
