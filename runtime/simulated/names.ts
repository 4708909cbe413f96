/**
 * The names of the memory disk: directories as programs see them, and the changes a power cut can still undo.
 *
 * @module
 */

import { type CutChoice, SimulatedFile } from "./file.ts";
import type { Random } from "./random.ts";

/** Something that a program may not open. */
export class Special {
  readonly kind: "link" | "pipe";

  constructor(kind: "link" | "pipe") {
    this.kind = kind;
  }
}

/** One directory. */
export class SimulatedDirectory {
  /** What programs see. */
  readonly entries = new Map<string, SimulatedNode>();
  /** What is on the disk for certain. */
  readonly synced = new Map<string, SimulatedNode>();
}

/** What a name stands for. */
export type SimulatedNode = SimulatedFile | SimulatedDirectory | Special;

/** One change of names that happens whole or not at all. */
interface NameChange {
  steps: { directory: SimulatedDirectory; name: string; node: SimulatedNode | null }[];
}

/** The tree of all names. */
export class SimulatedNames {
  readonly root = new SimulatedDirectory();
  #pending: NameChange[] = [];

  /** Makes a change visible; a power cut can undo it until the directories are synced. */
  change(steps: NameChange["steps"]): void {
    for (const { directory, name, node } of steps) put(directory.entries, name, node);
    this.#pending.push({ steps });
  }

  /** Makes the changes in one directory durable; a rename out of it takes its other half along. */
  sync(directory: SimulatedDirectory): void {
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
  afterCut(choice: CutChoice, random: Random): SimulatedNames {
    const kept = this.#pending.filter(() =>
      choice.names === "mixed" ? random.chance(0.5) : choice.names === "kept"
    );
    const views = new Map<SimulatedDirectory, Map<string, SimulatedNode>>();
    const viewOf = (directory: SimulatedDirectory) => {
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
  copy(): SimulatedNames {
    const copies = new Map<SimulatedNode, SimulatedNode>();
    const copyOf = (node: SimulatedNode): SimulatedNode => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const made = node instanceof SimulatedFile
        ? node.copy()
        : node instanceof Special
        ? node
        : new SimulatedDirectory();
      copies.set(node, made);
      if (node instanceof SimulatedDirectory) {
        const directory = made as SimulatedDirectory;
        for (const [name, child] of node.entries) directory.entries.set(name, copyOf(child));
        for (const [name, child] of node.synced) directory.synced.set(name, copyOf(child));
      }
      return made;
    };
    const names = new SimulatedNames();
    copies.set(this.root, names.root);
    for (const [name, child] of this.root.entries) names.root.entries.set(name, copyOf(child));
    for (const [name, child] of this.root.synced) names.root.synced.set(name, copyOf(child));
    names.#pending = this.#pending.map(({ steps }) => ({
      steps: steps.map(({ directory, name, node }) => ({
        directory: copyOf(directory) as SimulatedDirectory,
        name,
        node: node === null ? null : copyOf(node),
      })),
    }));
    return names;
  }

  #rebuild(
    viewOf: (directory: SimulatedDirectory) => Map<string, SimulatedNode>,
    fileOf: (file: SimulatedFile) => SimulatedFile,
  ): SimulatedNames {
    const files = new Map<SimulatedFile, SimulatedFile>();
    const fill = (from: SimulatedDirectory, to: SimulatedDirectory) => {
      for (const [name, node] of viewOf(from)) {
        let made: SimulatedNode = node;
        if (node instanceof SimulatedFile) {
          made = files.get(node) ?? fileOf(node);
          files.set(node, made as SimulatedFile);
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
