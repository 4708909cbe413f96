// Lets the Node type check pass over `bun:ffi`, which runtime/ imports under Bun only; tsconfig.bun.json
// leaves this file out and checks those calls against Bun's own types.

declare module "bun:ffi";
