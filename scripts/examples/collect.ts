// Finds the examples in docstrings and documents, and the public symbols that have none.

/** One block of TypeScript that a reader may paste into a file and run. */
export interface Example {
  /** Where it begins: `path:line`. */
  place: string;
  code: string;
  /** Whether it stands in a docstring, and so must assert what it shows. */
  asserts: boolean;
}

/** The examples in a source file's doc comments, or in a document. Blocks marked "ignore" are not run. */
export function examplesIn(path: string, text: string): Example[] {
  if (path.endsWith(".md")) return blocks(path, text, 0, false);
  return [...text.matchAll(/^ *\/\*\*\n[^]*?\*\//gm)].flatMap(({ 0: comment, index }) => {
    const prose = comment.replace(/^ *\/?\*+\/? ?/gm, "");
    return blocks(path, prose, linesBefore(text, index), true);
  });
}

function blocks(path: string, text: string, lineFirst: number, asserts: boolean): Example[] {
  return [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(({ 1: code = "", index }) => ({
    place: `${path}:${lineFirst + linesBefore(text, index) + 1}`,
    code,
    asserts,
  }));
}

function linesBefore(text: string, index: number): number {
  return text.slice(0, index).split("\n").length - 1;
}

/** What is wrong with an example before it is run; an empty string if nothing is. */
export function flawOf({ code: whole, asserts }: Example): string {
  const code = whole.replace(/\/\/.*$/gm, "");
  if (/\b(Deno|Bun|process)\s*\./.test(code) || /["'](node|bun):/.test(code)) {
    return "names a runtime: it must run on all three as pasted";
  }
  if (asserts && !/\bassert\w*\(/.test(code)) return "asserts nothing";
  return "";
}

interface Documented {
  jsDoc?: { tags?: { kind: string }[] };
  location: { filename: string; line: number };
}

interface Declaration extends Documented {
  kind: string;
  def?: { methods?: (Documented & { kind: string; name: string; accessibility?: string })[] };
}

interface DocOutput {
  nodes: Record<string, { symbols: { name: string; declarations: Declaration[] }[] }>;
}

/**
 * The exported functions and classes, and the public methods of these classes, that have no `@example`, by name.
 * Overloads share one.
 *
 * @param json what `deno doc --json` prints
 */
export function withoutExample(json: string): string[] {
  const symbols = Object.values((JSON.parse(json) as DocOutput).nodes).flatMap((node) =>
    node.symbols
  );
  if (symbols.length === 0) throw new Error("deno doc lists no symbol: has its output changed?");
  const lacking = symbols.flatMap(({ name, declarations }) => {
    const [first] = declarations;
    if (first?.kind === "function") return isShown(declarations) ? [] : [`${name}()`];
    if (first?.kind !== "class") return [];
    const methods = Map.groupBy(
      (first.def?.methods ?? []).filter(({ kind, accessibility = "public" }) =>
        kind === "method" && accessibility === "public"
      ),
      (method) => method.name,
    );
    const bare = [...methods].filter(([, overloads]) => !isShown(overloads));
    return [
      ...isShown(declarations) ? [] : [name],
      ...bare.map(([method]) => `${name}.${method}()`),
    ];
  });
  return [...new Set(lacking)].sort();
}

function isShown(declarations: readonly Documented[]): boolean {
  return declarations.some(({ jsDoc }) => jsDoc?.tags?.some(({ kind }) => kind === "example"));
}
