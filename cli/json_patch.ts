/**
 * Applies JSON Patches (RFC 6902) to a document in place: all of a patch, or nothing.
 *
 * In place, because copying the path to the changed member costs as much as the objects on that path are large: a patch
 * to a root of 20,000 members would copy 20,000 members. A patch that fails is undone, last step first.
 *
 * @module
 */

import { DEPTH_MAX } from "../src/format/format.ts";
import { depthOf, isSameJson, restoreOrder } from "./json_members.ts";
import { parseExactly } from "../src/format/json_parse.ts";
import { formatPointer } from "../src/format/pointer.ts";
import { setMember } from "../src/format/set_member.ts";
import {
  arrayIndex,
  brief,
  childOf,
  isContainer,
  MISSING,
  parsePointer,
  PatchError,
  quote,
  valueAt,
} from "./json_pointer.ts";

/**
 * How much JSON the copies of one patch may add, in characters: as much as one record could add by itself. Without this
 * limit, sixty short patches that copy the document into itself would fill any memory.
 */
const COPY_SIZE_MAX = 1024 * 1024;

interface PatchOperation {
  op: string;
  tokens: string[];
  from: string[];
  value: unknown;
}

const NEEDS: Record<string, readonly ("value" | "from")[]> = {
  add: ["value"],
  replace: ["value"],
  test: ["value"],
  remove: [],
  move: ["from"],
  copy: ["from"],
};

/**
 * Applies a patch. The document takes ownership of the patch's values: the caller must not use them again.
 *
 * @returns the document, which is a different value when the patch replaced it entirely
 * @throws {PatchError} when the patch is malformed or can't be applied; the document is unchanged
 */
export function applyJsonPatch(document: unknown, patch: readonly unknown[]): unknown {
  const label = (i: number) => patch.length === 1 ? "" : `operation ${i + 1}: `;
  const operations = patch.map((operation, i) => within(label(i), () => readOperation(operation)));
  const run = new PatchRun(document);
  for (const [i, operation] of operations.entries()) {
    run.isLast = i === operations.length - 1;
    try {
      within(label(i), () => run.apply(operation));
    } catch (error) {
      run.undo();
      throw error;
    }
  }
  return run.root;
}

function within<T>(label: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (label === "" || !(error instanceof PatchError)) throw error;
    throw new PatchError(label + error.message);
  }
}

function readOperation(operation: unknown): PatchOperation {
  if (!isContainer(operation) || Array.isArray(operation)) {
    throw new PatchError(`an operation must be an object, got ${brief(operation)}`);
  }
  const member = (name: string) => Object.hasOwn(operation, name) ? operation[name] : undefined;
  const op = member("op");
  if (typeof op !== "string" || !Object.hasOwn(NEEDS, op)) {
    const found = op === undefined ? "none" : brief(op);
    throw new PatchError(`"op" must be one of ${Object.keys(NEEDS).join(", ")}, got ${found}`);
  }
  for (const name of ["path", ...NEEDS[op]!]) {
    if (!Object.hasOwn(operation, name)) throw new PatchError(`"${op}" lacks "${name}"`);
    if (name !== "value" && typeof member(name) !== "string") {
      throw new PatchError(`"${name}" must be a JSON Pointer, a string`);
    }
  }
  const from = NEEDS[op]!.includes("from") ? parsePointer(member("from") as string) : [];
  return { op, tokens: parsePointer(member("path") as string), from, value: member("value") };
}

/** One patch in progress: the document so far, and how to undo each step. */
class PatchRun {
  root: unknown;
  /** Whether this is the last operation, so that none that could fail follows. */
  isLast = false;
  readonly #undo: (() => void)[] = [];
  /** The members of each object that lost one, in their original order. */
  readonly #orders = new Map<Record<string, unknown>, string[]>();
  #copied = 0;

  constructor(root: unknown) {
    this.root = root;
  }

  undo(): void {
    for (const step of this.#undo.toReversed()) step();
    // A member that is put back ends up last. JSON keeps the order of members, so it is part of the document.
    for (const [object, keys] of this.#orders) restoreOrder(object, keys);
  }

  apply({ op, tokens, from, value }: PatchOperation): void {
    switch (op) {
      case "add":
        return this.#add(tokens, value);
      case "replace":
        return this.#replace(tokens, value);
      case "remove":
        return this.#remove(tokens);
      case "move":
        return this.#move(from, tokens);
      case "copy":
        return this.#add(tokens, this.#copyOf(from));
      default:
        return this.#test(tokens, value);
    }
  }

  #existing(tokens: readonly string[]): unknown {
    const value = valueAt(this.root, tokens);
    if (value === MISSING) throw new PatchError(`there is nothing at ${pointer(tokens)}`);
    return value;
  }

  #setRoot(value: unknown): void {
    const before = this.root;
    this.#undo.push(() => this.root = before);
    this.root = value;
  }

  #add(tokens: readonly string[], value: unknown): void {
    this.#placeOf(tokens, value)();
  }

  /** Checks where a value would be added, and returns the function that adds it. */
  #placeOf(tokens: readonly string[], value: unknown): () => void {
    refuseDeep(tokens, value);
    if (tokens.length === 0) return () => this.#setRoot(value);
    const [parent, token] = this.#parentOf(tokens);
    if (!Array.isArray(parent)) return () => this.#setMember(parent, token, value);
    const index = token === "-" ? parent.length : arrayIndex(token, parent.length + 1);
    if (index < 0) {
      throw new PatchError(
        `${
          pointer(tokens)
        } is not a place in an array of ${parent.length}: use 0 to ${parent.length}, or "-" for the end`,
      );
    }
    return () => {
      this.#undo.push(() => parent.splice(index, 1));
      parent.splice(index, 0, value);
    };
  }

  #replace(tokens: readonly string[], value: unknown): void {
    refuseDeep(tokens, value);
    this.#existing(tokens);
    if (tokens.length === 0) return this.#setRoot(value);
    const [parent, token] = this.#parentOf(tokens);
    if (!Array.isArray(parent)) return this.#setMember(parent, token, value);
    const index = Number(token);
    const before = parent[index];
    this.#undo.push(() => parent[index] = before);
    parent[index] = value;
  }

  #remove(tokens: readonly string[]): void {
    if (tokens.length === 0) {
      throw new PatchError("the whole document can't be removed: replace it, with null perhaps");
    }
    const before = this.#existing(tokens);
    const [parent, token] = this.#parentOf(tokens);
    if (Array.isArray(parent)) {
      const index = Number(token);
      this.#undo.push(() => parent.splice(index, 0, before));
      parent.splice(index, 1);
    } else {
      // Listing the members costs time for each of them, so skip it when nothing after this can fail.
      if (!this.isLast && !this.#orders.has(parent)) this.#orders.set(parent, Object.keys(parent));
      this.#undo.push(() => setMember(parent, token, before));
      delete parent[token];
    }
  }

  #move(from: readonly string[], tokens: readonly string[]): void {
    const value = this.#existing(from);
    const sharesAll = from.every((token, i) => token === tokens[i]);
    if (sharesAll && tokens.length === from.length) return;
    if (sharesAll) {
      throw new PatchError(`${pointer(from)} can't be moved into itself, to ${pointer(tokens)}`);
    }
    if (Array.isArray(this.#parentOf(from)[0])) {
      // Removing an item shifts later ones, so remove it before looking for the new place.
      this.#remove(from);
      return this.#add(tokens, value);
    }
    // Find the place before anything is removed, so that the last operation can't fail half-way.
    const place = this.#placeOf(tokens, value);
    this.#remove(from);
    place();
  }

  #copyOf(from: readonly string[]): unknown {
    const text = JSON.stringify(this.#existing(from));
    this.#copied += text.length;
    if (this.#copied > COPY_SIZE_MAX) {
      throw new PatchError(
        `${
          pointer(from)
        } is too large to be copied: a patch copies ${COPY_SIZE_MAX} characters at most`,
      );
    }
    return parseExactly(text);
  }

  #test(tokens: readonly string[], value: unknown): void {
    const found = this.#existing(tokens);
    if (isSameJson(found, value)) return;
    throw new PatchError(
      `the test at ${pointer(tokens)} failed: it is ${brief(found)}, not ${brief(value)}`,
    );
  }

  #parentOf(tokens: readonly string[]): [Record<string, unknown> | unknown[], string] {
    const path = tokens.slice(0, -1);
    const parent = valueAt(this.root, path);
    if (parent === MISSING) {
      throw new PatchError(
        `there is nothing at ${pointer(path)}: add ${pointer(path)} first`,
      );
    }
    if (!isContainer(parent)) {
      throw new PatchError(
        `${pointer(path)} is neither an object nor an array, so there can't be ${pointer(tokens)}`,
      );
    }
    return [parent, tokens[tokens.length - 1]!];
  }

  #setMember(parent: Record<string, unknown>, token: string, value: unknown): void {
    const before = childOf(parent, token);
    this.#undo.push(() => {
      if (before === MISSING) delete parent[token];
      else setMember(parent, token, before);
    });
    setMember(parent, token, value);
  }
}

function pointer(tokens: readonly string[]): string {
  return quote(formatPointer(tokens));
}

/** A state nested deeper than the limit could not be written to a snapshot. */
function refuseDeep(tokens: readonly string[], value: unknown): void {
  if (tokens.length + depthOf(value) <= DEPTH_MAX) return;
  throw new PatchError(`${pointer(tokens)} would be nested deeper than ${DEPTH_MAX}`);
}
