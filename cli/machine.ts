/**
 * What `doctor` asks of the machine around the command, as an interface; `cli/process/machine.ts` implements it.
 *
 * Every method fails with an `Error` whose `code` is the system's name of the failure, `EPERM` when the runtime
 * itself refuses. None ever makes the runtime ask the person at the terminal for a permission.
 *
 * @module
 */

/** What a name stands for; a symbolic link is not followed. */
export interface PathStatus {
  kind: "file" | "directory" | "link" | "other";
  /** The user it belongs to. */
  owner: number;
  /** The permission bits, such as 0o700. */
  mode: number;
  /** The file's number in its file system. */
  inode: number;
}

/** Room in a file system; sizes in bytes. */
export interface Space {
  /** What an ordinary user may still fill. */
  sizeFree: number;
  sizeTotal: number;
  inodesFree: number;
  /** 0 where the file system makes them as it needs them. */
  inodesTotal: number;
}

/** The machine, as `doctor` sees it. */
export interface Machine {
  /** The runtime and its version, such as "Deno 2.9.5". */
  readonly runtime: string;
  /** As the runtime names it: `arm64`, `x64`, … */
  readonly architecture: string;
  /** The time in milliseconds since 1970, as far as the machine knows it. */
  now(): number;
  /** Reads a whole small file, such as the kernel's in `/proc` and `/sys`. */
  read(path: string): Promise<Uint8Array>;
  /** The absolute path behind all symbolic links. */
  realPath(path: string): Promise<string>;
  /** Looks at a name. */
  status(path: string): Promise<PathStatus>;
  /** The room in the file system that holds `path`. */
  space(path: string): Promise<Space>;
  /** The user whose rights this process has; 0 is root. */
  userId(): Promise<number>;
}
