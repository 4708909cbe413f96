// Lets the Node type check pass over `bun:ffi`, which runtime/ imports under Bun only; tsconfig.bun.json
// leaves this file out and checks those calls against Bun's own types.

declare module "bun:ffi";

declare module "bun:sqlite" {
  export class Database {
    constructor(path: string, options?: { create?: boolean });
    run(sql: string): void;
    prepare(sql: string): {
      run(...parameters: unknown[]): void;
      all(): unknown[];
      finalize(): void;
    };
    close(): void;
  }
}
