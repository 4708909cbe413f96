/**
 * The names of the simulated disk: directories as programs see them, and the changes that a power cut can still undo.
 *
 * @module
 */

import { failure } from "./disk_calls.ts";
import type { Chooser } from "./chooser.ts";
import { SimulatedFile } from "./file.ts";
import type { PowerCut } from "./power_cut.ts";

/**
 * Something that a program may not open.
 *
 * @example Put a symbolic link in the way
 * ```ts
 * import { PowerCutDisk, SpecialFile } from "@ministate/ministate/testing";
 * import { assertRejects } from "@std/assert";
 *
 * const disk = new PowerCutDisk();
 * disk.plant("/link", new SpecialFile("link"));
 * await assertRejects(() => disk.open("/link", "read"), Error, "ELOOP");
 * ```
 */
export class SpecialFile {
  /** What it is: a symbolic link or a named pipe. */
  readonly kind: "link" | "pipe";

  /** Makes one; `PowerCutDisk.plant` puts it in place. */
  constructor(kind: "link" | "pipe") {
    this.kind = kind;
  }
}

/** Records that a file was given a name. On FAT, the name doesn't lead to the file until the file is synced. */
interface Naming {
  file: SimulatedFile;
  /** What the name led to before; `null` for nothing. */
  before: SimulatedFile | null;
  /** The file's operation that a sync must cover. */
  operation: number;
}

/** One directory. */
export class SimulatedDirectory {
  /** What programs see. */
  readonly entries: Map<string, SimulatedNode> = new Map();
  /** What is certainly on the disk. */
  readonly synced: Map<string, SimulatedNode> = new Map();
  /** How each name was given to its file. */
  readonly naming: Map<string, Naming> = new Map();
}

/** What a name refers to. */
export type SimulatedNode = SimulatedFile | SimulatedDirectory | SpecialFile;

/** A name in a directory, whether or not such an entry exists. */
export interface NameSlot {
  directory: SimulatedDirectory;
  name: string;
}

/** A change of names that happens completely or not at all. */
interface NameChange {
  steps: (NameSlot & { node: SimulatedNode | null })[];
  /** How many operations the renamed file had had by then. */
  operationCount: number;
}

/** The tree of all names. */
export class SimulatedNames {
  readonly root: SimulatedDirectory = new SimulatedDirectory();
  #pending: NameChange[] = [];

  /** What stands at a path; `undefined` if nothing does. */
  find(path: string): SimulatedNode | undefined {
    let node: SimulatedNode | undefined = this.root;
    for (const step of path.split("/")) {
      if (step === "" || step === ".") continue;
      if (!(node instanceof SimulatedDirectory)) throw failure("ENOTDIR", "open", path);
      node = node.entries.get(step);
      if (node === undefined) return undefined;
    }
    return node;
  }

  /** The directory at a path. */
  directory(path: string): SimulatedDirectory {
    const node = this.find(path);
    if (node === undefined) throw failure("ENOENT", "open", path);
    if (!(node instanceof SimulatedDirectory)) throw failure("ENOTDIR", "open", path);
    return node;
  }

  /** How many names a node has. */
  linksOf(node: SimulatedNode, directory: SimulatedDirectory = this.root): number {
    let links = directory === this.root && node === this.root ? 1 : 0;
    for (const entry of directory.entries.values()) {
      if (entry === node) links++;
      if (entry instanceof SimulatedDirectory) links += this.linksOf(node, entry);
    }
    return links;
  }

  /** The place of a path's last name. */
  place(path: string): NameSlot {
    const slash = path.lastIndexOf("/");
    return {
      directory: this.directory(path.slice(0, Math.max(slash, 0))),
      name: path.slice(slash + 1),
    };
  }

  /** Puts another node at a place, or none. A power cut can undo it until the directory is synced. */
  put(place: NameSlot, node: SimulatedNode | null): void {
    this.#change({ steps: [{ ...place, node }], operationCount: 0 });
  }

  /** Moves a node to another place, replacing what is there. */
  move(from: NameSlot, to: NameSlot, node: SimulatedNode): void {
    this.#change({
      steps: [{ ...from, node: null }, { ...to, node }],
      operationCount: node instanceof SimulatedFile ? node.operationCount : 0,
    });
  }

  #change(change: NameChange): void {
    for (const { directory, name, node } of change.steps) {
      const replaced = directory.entries.get(name);
      put(directory.entries, name, node);
      if (!(node instanceof SimulatedFile)) continue;
      const before = replaced instanceof SimulatedFile ? replaced : null;
      directory.naming.set(name, { file: node, before, operation: node.recordName() });
    }
    this.#pending.push(change);
  }

  /** Makes the changes in one directory durable. A rename out of it takes its other half along. */
  sync(directory: SimulatedDirectory): void {
    const rest: NameChange[] = [];
    for (const change of this.#pending) {
      const [first] = change.steps;
      // The old name of a rename is removed last: until its own directory is synced, the file can be under both names.
      const whole = first!.directory === directory;
      const done = change.steps.filter((step) => whole || step.directory === directory);
      for (const step of done) put(step.directory.synced, step.name, step.node);
      const steps = change.steps.filter((step) => !done.includes(step));
      if (steps.length > 0) rest.push({ ...change, steps });
    }
    this.#pending = rest;
  }

  /** Simulates what a power cut now could leave: names, and the bytes under them. */
  afterCut(rules: PowerCut, chooser: Chooser): SimulatedNames {
    const ordered = rules.renames === "ordered" ||
      rules.renames === "mixed" && this.#pending.length > 0 && chooser.choose(2) === 1;
    const kept = this.#pending.filter(() =>
      rules.names === "mixed" ? chooser.choose(2) === 1 : rules.names === "kept"
    );
    const views = new Map<SimulatedDirectory, Map<string, SimulatedNode>>();
    const viewOf = (directory: SimulatedDirectory) => {
      const view = views.get(directory) ?? new Map(directory.synced);
      views.set(directory, view);
      return view;
    };
    const certain = new Map<SimulatedNode, number>();
    for (const { steps, operationCount } of kept) {
      for (const { directory, name, node } of steps) {
        put(viewOf(directory), name, node);
        if (ordered && node !== null) certain.set(node, operationCount);
      }
    }
    return this.#rebuild(
      viewOf,
      blankNames(rules, chooser),
      (file) => file.afterCut(rules, chooser, certain.get(file)),
    );
  }

  /** The same names over the same page cache. This makes nothing durable. */
  copy(): SimulatedNames {
    const copies = new Map<SimulatedNode, SimulatedNode>();
    const copyOf = (node: SimulatedNode): SimulatedNode => {
      const copy = copies.get(node);
      if (copy !== undefined) return copy;
      const made = node instanceof SimulatedFile
        ? node.copy()
        : node instanceof SpecialFile
        ? node
        : new SimulatedDirectory();
      copies.set(node, made);
      if (node instanceof SimulatedDirectory) fill(node, made as SimulatedDirectory);
      return made;
    };
    const fill = (from: SimulatedDirectory, to: SimulatedDirectory) => {
      for (const [name, child] of from.entries) to.entries.set(name, copyOf(child));
      for (const [name, child] of from.synced) to.synced.set(name, copyOf(child));
      for (const [name, naming] of from.naming) {
        const file = copyOf(naming.file) as SimulatedFile;
        const before = naming.before && copyOf(naming.before) as SimulatedFile;
        to.naming.set(name, { ...naming, file, before });
      }
    };
    const names = new SimulatedNames();
    copies.set(this.root, names.root);
    fill(this.root, names.root);
    names.#pending = this.#pending.map(({ steps, operationCount }) => ({
      steps: steps.map(({ directory, name, node }) => ({
        directory: copyOf(directory) as SimulatedDirectory,
        name,
        node: node === null ? null : copyOf(node),
      })),
      operationCount,
    }));
    return names;
  }

  #rebuild(
    viewOf: (directory: SimulatedDirectory) => Map<string, SimulatedNode>,
    isBlank: (naming: Naming) => boolean,
    fileOf: (file: SimulatedFile) => SimulatedFile,
  ): SimulatedNames {
    const files = new Map<SimulatedFile, SimulatedFile>();
    const imageOf = (file: SimulatedFile): SimulatedFile => {
      const image = files.get(file) ?? fileOf(file);
      files.set(file, image);
      return image;
    };
    const fill = (from: SimulatedDirectory, to: SimulatedDirectory) => {
      for (const [name, node] of viewOf(from)) {
        let made: SimulatedNode = node;
        if (node instanceof SimulatedFile) {
          const naming = from.naming.get(name);
          const blank = naming?.file === node && isBlank(naming);
          made = !blank
            ? imageOf(node)
            : naming.before === null
            ? new SimulatedFile()
            : imageOf(naming.before);
        } else if (node instanceof SimulatedDirectory) {
          made = new SimulatedDirectory();
          fill(node, made);
        }
        to.entries.set(name, made);
        to.synced.set(name, made);
      }
    };
    const names = new SimulatedNames();
    fill(this.root, names.root);
    return names;
  }
}

function put(entries: Map<string, SimulatedNode>, name: string, node: SimulatedNode | null): void {
  if (node === null) entries.delete(name);
  else entries.set(name, node);
}

/**
 * Decides which names a power cut leaves blank, as FAT does. If the rules allow either, it is drawn once whether the
 * disk is FAT, at the first name that this matters for, and then for each name separately.
 */
function blankNames(rules: PowerCut, chooser: Chooser): (naming: Naming) => boolean {
  let isFat = rules.entries === "blank" ? true : rules.entries === "mixed" ? null : false;
  return ({ file, operation }) => {
    if (file.isSyncedSince(operation) || file.size === 0) return false;
    isFat ??= chooser.choose(2) === 1;
    return isFat && (rules.entries === "blank" || chooser.choose(2) === 1);
  };
}
