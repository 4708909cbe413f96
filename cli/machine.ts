/**
 * The interface through which the command asks about the machine; implemented by `cli/process/machine.ts`.
 *
 * Every method fails with an `Error` whose `code` is the system's name of the failure, or `EPERM` when the runtime
 * itself refuses. None ever makes the runtime ask the user for a permission.
 *
 * @module
 */

/** What a name refers to; a symbolic link is not followed. */
export interface PathStatus {
  kind: "file" | "directory" | "link" | "other";
  /** The ID of the user who owns it. */
  owner: number;
  /** The permission bits, such as 0o700. */
  mode: number;
  /** The file's number in its file system. */
  inode: number;
}

/** Free and total room in a file system; sizes in bytes. */
export interface Space {
  /** What an ordinary user can still fill. */
  sizeFree: number;
  sizeTotal: number;
  inodesFree: number;
  /** 0 where the file system creates inodes as needed. */
  inodesTotal: number;
}

/** The machine, as the command sees it. */
export interface Machine {
  /** The runtime and its version, such as "Deno 2.9.5". */
  readonly runtime: string;
  /** In the runtime's own terms: `arm64`, `x64`, … */
  readonly architecture: string;
  /** The time in milliseconds since 1970, as far as the machine knows it. */
  now(): number;
  /** Reads a whole small file, such as those of the kernel in `/proc` and `/sys`. */
  read(path: string): Promise<Uint8Array>;
  /**
   * Imports a JavaScript or TypeScript module of the user.
   *
   * @returns what it exports
   */
  load(path: string): Promise<Record<string, unknown>>;
  /** The absolute path, with all symbolic links resolved. */
  realPath(path: string): Promise<string>;
  /** Reads the status of a name. */
  status(path: string): Promise<PathStatus>;
  /** The room in the file system that holds `path`. */
  space(path: string): Promise<Space>;
  /** The user whose rights this process has; 0 is root. */
  userId(): Promise<number>;
}
