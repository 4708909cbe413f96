/**
 * The names of the memory disk: directories as programs see them, and the changes a power cut can still undo.
 *
 * @module
 */

import { type CutChoice, MemoryFile } from "./memory_file.ts";
import type { Random } from "./random.ts";

/** Something that a program may not open. */
export class Special {
  readonly kind: "link" | "pipe";

  constructor(kind: "link" | "pipe") {
    this.kind = kind;
  }
}

/** One directory. */
export class MemoryDirectory {
  /** What programs see. */
  readonly entries = new Map<string, MemoryNode>();
  /** What is on the disk for certain. */
  readonly synced = new Map<string, MemoryNode>();
}

/** What a name stands for. */
export type MemoryNode = MemoryFile | MemoryDirectory | Special;

/** One change of names that happens whole or not at all. */
interface NameChange {
  steps: { directory: MemoryDirectory; name: string; node: MemoryNode | null }[];
}

/** The tree of all names. */
export class MemoryNames {
  readonly root = new MemoryDirectory();
  #pending: NameChange[] = [];

  /** Makes a change visible; a power cut can undo it until the directories are synced. */
  change(steps: NameChange["steps"]): void {
    for (const { directory, name, node } of steps) put(directory.entries, name, node);
    this.#pending.push({ steps });
  }

  /** Makes the changes in one directory durable; a rename out of it takes its other half along. */
  sync(directory: MemoryDirectory): void {
    const rest: NameChange[] = [];
    for (const change of this.#pending) {
      const [first] = change.steps;
      // The old name of a rename goes last: until its own directory is synced the file can be under both.
      const whole = first!.directory === directory;
      const done = change.steps.filter((step) => whole || step.directory === directory);
      for (const step of done) put(step.directory.synced, step.name, step.node);
      const steps = change.steps.filter((step) => !done.includes(step));
      if (steps.length > 0) rest.push({ steps });
    }
    this.#pending = rest;
  }

  /** What a power cut now could leave: names, and the bytes under them. */
  afterCut(choice: CutChoice, random: Random): MemoryNames {
    const kept = this.#pending.filter(() =>
      choice.names === "mixed" ? random.chance(0.5) : choice.names === "kept"
    );
    const views = new Map<MemoryDirectory, Map<string, MemoryNode>>();
    const viewOf = (directory: MemoryDirectory) => {
      const view = views.get(directory) ?? new Map(directory.synced);
      views.set(directory, view);
      return view;
    };
    for (const { steps } of kept) {
      for (const { directory, name, node } of steps) put(viewOf(directory), name, node);
    }
    return this.#rebuild(viewOf, (file) => file.afterCut(choice, random));
  }

  /** The same names over the same page cache. Nothing becomes durable by it. */
  copy(): MemoryNames {
    const copies = new Map<MemoryNode, MemoryNode>();
    const copyOf = (node: MemoryNode): MemoryNode => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const made = node instanceof MemoryFile
        ? node.copy()
        : node instanceof Special
        ? node
        : new MemoryDirectory();
      copies.set(node, made);
      if (node instanceof MemoryDirectory) {
        const directory = made as MemoryDirectory;
        for (const [name, child] of node.entries) directory.entries.set(name, copyOf(child));
        for (const [name, child] of node.synced) directory.synced.set(name, copyOf(child));
      }
      return made;
    };
    const names = new MemoryNames();
    copies.set(this.root, names.root);
    for (const [name, child] of this.root.entries) names.root.entries.set(name, copyOf(child));
    for (const [name, child] of this.root.synced) names.root.synced.set(name, copyOf(child));
    names.#pending = this.#pending.map(({ steps }) => ({
      steps: steps.map(({ directory, name, node }) => ({
        directory: copyOf(directory) as MemoryDirectory,
        name,
        node: node === null ? null : copyOf(node),
      })),
    }));
    return names;
  }

  #rebuild(
    viewOf: (directory: MemoryDirectory) => Map<string, MemoryNode>,
    fileOf: (file: MemoryFile) => MemoryFile,
  ): MemoryNames {
    const files = new Map<MemoryFile, MemoryFile>();
    const fill = (from: MemoryDirectory, to: MemoryDirectory) => {
      for (const [name, node] of viewOf(from)) {
        let made: MemoryNode = node;
        if (node instanceof MemoryFile) {
          made = files.get(node) ?? fileOf(node);
          files.set(node, made as MemoryFile);
        } else if (node instanceof MemoryDirectory) {
          made = new MemoryDirectory();
          fill(node, made);
        }
        to.entries.set(name, made);
        to.synced.set(name, made);
      }
    };
    const names = new MemoryNames();
    fill(this.root, names.root);
    return names;
  }
}

function put(entries: Map<string, MemoryNode>, name: string, node: MemoryNode | null): void {
  if (node === null) entries.delete(name);
  else entries.set(name, node);
}
