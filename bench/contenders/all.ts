/**
 * All contenders, by the name of the module that opens each.
 *
 * @module
 */

import { contender as answeringFloor } from "./answering_floor.ts";
import type { Contender } from "./contender.ts";
import { contender as floor } from "./floor.ts";
import { contender as ministate } from "./ministate.ts";
import { contender as ministateBuilt } from "./ministate_built.ts";
import { contender as ministateUncompacted } from "./ministate_uncompacted.ts";
import { contender as betterSqlite3 } from "./peers/better_sqlite3.ts";
import { contender as bunSqlite } from "./peers/bun_sqlite.ts";
import { contender as classicLevel } from "./peers/classic_level.ts";
import { contender as denoKv } from "./peers/deno_kv.ts";
import { contender as lmdb } from "./peers/lmdb.ts";
import { contender as lowdb } from "./peers/lowdb.ts";
import { contender as nedb } from "./peers/nedb.ts";
import { contender as nodeSqlite } from "./peers/node_sqlite.ts";
import { contender as redis } from "./peers/redis.ts";
import { contender as writeFileAtomic } from "./peers/write_file_atomic.ts";

/** A child process loads only the module it is given, because loading is part of a cold start. */
export const contenders: Record<string, Contender> = {
  "floor": floor,
  "answering_floor": answeringFloor,
  "ministate": ministate,
  "peers/bun_sqlite": bunSqlite,
  "peers/node_sqlite": nodeSqlite,
  "peers/better_sqlite3": betterSqlite3,
  "peers/lmdb": lmdb,
  "peers/classic_level": classicLevel,
  "peers/deno_kv": denoKv,
  "peers/redis": redis,
  "peers/nedb": nedb,
  "peers/write_file_atomic": writeFileAtomic,
  "peers/lowdb": lowdb,
};

/** The module that is measured only in W5. */
export const UNCOMPACTED = "ministate_uncompacted";
/** The module that stands for ministate in W6. */
export const BUILT = "ministate_built";

/** Any of them by its module's name, including those that only one workload measures. */
export function contenderOf(module: string): Contender {
  if (module === UNCOMPACTED) return ministateUncompacted;
  return module === BUILT ? ministateBuilt : contenders[module]!;
}
