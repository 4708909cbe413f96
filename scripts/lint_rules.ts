// Rules of our own for `deno lint`: what a function may take, and how long it may be.

const paramsMax = 5;
const linesMax = 70;

type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression
  | Deno.lint.TSDeclareFunction
  | Deno.lint.TSEmptyBodyFunctionExpression;

const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: {
    "max-params": {
      create: (context) =>
        forFunctions((node) => {
          const count = node.params.length;
          if (count <= paramsMax) return;
          const message = `A function takes at most ${paramsMax} parameters, this one ${count}`;
          context.report({ node, message, hint: "Give those that belong together a name" });
        }),
    },
    "max-lines": {
      create: (context) =>
        forFunctions((node) => {
          const count = linesOf(context.sourceCode.text.slice(...node.range));
          if (count <= linesMax) return;
          const message = `A function has at most ${linesMax} lines, this one ${count}`;
          context.report({ node, message, hint: "Comments and empty lines don't count" });
        }),
    },
  },
};

export default plugin;

function forFunctions(
  check: (node: FunctionNode) => void,
): Deno.lint.LintVisitor {
  return {
    FunctionDeclaration: check,
    FunctionExpression: check,
    ArrowFunctionExpression: check,
    TSDeclareFunction: check,
    TSEmptyBodyFunctionExpression: check,
  };
}

/** Without comments and empty lines. */
function linesOf(text: string): number {
  return text.replace(/\/\*[^]*?\*\//g, "").split("\n")
    .filter((line) => !/^\s*(\/\/.*)?$/.test(line)).length;
}
