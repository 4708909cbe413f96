// Reads the arguments of the command, which are its own options and Deno's permissions.

import { basename, extname, join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../toolchain.ts";
import { type Bundler, bundlers } from "./bundle.ts";
import { hostTarget, targetOf, TARGETS } from "./targets.ts";

/** What the command says about itself. */
export const HELP = `npm run compile -- [ENTRY] [options]     (or: deno task compile …)

Builds one binary of your program, or of the command "ministate" when ENTRY is not given.

  --runtime NAME    deno or bun (default deno)
  --target NAME     default: this machine; one of
                    ${Object.keys(TARGETS).join("\n                    ")}
  --output FILE     default dist/NAME-TARGET
  --allow-…=…       what your program may do under Deno, as for "deno run":
                    --allow-read=DIR --allow-write=DIR for a state in DIR
  --base FILE       build on this program of the runtime (for Deno: denort) instead of a downloaded one
  --bundler NAME    deno or bun, who resolves your imports (default: Deno for a project with
                    deno.json and no package.json, else Bun)
  --help            this text
`;

/** What to build. */
export interface Request {
  entry: string;
  runtime: "deno" | "bun";
  target: string;
  output: string;
  permissions: string[];
  base: string | undefined;
  bundler: Bundler | undefined;
}

/** A mistake in the arguments. */
export class UsageError extends Error {}

const PERMISSION =
  /^(-A|--allow-all|--(allow|deny)-(read|write|net|env|sys|run|ffi|import)(=.*)?)$/;

/** What `ministate` needs: the directories in its arguments, and what colours and traces depend on. */
const COMMAND_PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-env=NO_COLOR,FORCE_COLOR,TERM,CI,MINISTATE_DEBUG",
];

/** Returns what is asked for, or `null` for help. Throws {@linkcode UsageError} on anything unknown. */
export function readArguments(args: readonly string[]): Request | null {
  const own = args.filter((arg) => !PERMISSION.test(arg));
  const given = args.filter((arg) => PERMISSION.test(arg));
  const { values, positionals } = parse(own);
  if (values.help) return null;
  if (positionals.length > 1) {
    throw new UsageError(`One program at a time: found "${positionals.join('" and "')}"`);
  }
  const runtime = oneOf("--runtime", values.runtime, ["deno", "bun"] as const);
  if (runtime === "bun" && given.length > 0) {
    throw new UsageError(`Bun has no permissions: "${given[0]}" is for --runtime deno`);
  }
  const target = values.target ?? hostTarget();
  checkTarget(target);
  const [entry = join(root, "cli.ts")] = positionals;
  const isCommand = positionals.length === 0;
  const name = isCommand ? "ministate" : basename(entry, extname(entry));
  return {
    entry,
    runtime,
    target,
    output: values.output ?? join("dist", `${name}-${target}`),
    permissions: given.length === 0 && isCommand ? COMMAND_PERMISSIONS : given,
    base: values.base,
    bundler: values.bundler === undefined
      ? undefined
      : oneOf("--bundler", values.bundler, bundlers),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        runtime: { type: "string", default: "deno" },
        target: { type: "string" },
        output: { type: "string" },
        base: { type: "string" },
        bundler: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    // A mistake of the caller, as parseArgs words it.
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

function oneOf<Name extends string>(option: string, found: string, names: readonly Name[]): Name {
  const name = names.find((one) => one === found);
  if (name !== undefined) return name;
  throw new UsageError(`Unknown ${option} "${found}": wanted ${names.join(" or ")}`);
}

function checkTarget(name: string): void {
  try {
    targetOf(name);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}
