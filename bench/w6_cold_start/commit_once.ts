/**
 * A program that starts cold, for W6: opens the contender that the first argument names in the directory that the
 * second one does, commits one reading, closes, and ends. With "peak" as the third it also prints its peak memory.
 *
 * @module
 */

const [module, directory, peak] = "Deno" in globalThis
  ? Deno.args
  : (await import("node:process")).argv.slice(2);

if (module !== "nothing") {
  const { contender }: typeof import("../contenders/ministate.ts") = await import(
    `../contenders/${module}.ts`
  );
  const store = await contender.open(directory!);
  const unit = "millicelsius";
  await store.commit({ key: "sensor-00001", value: 1, unit, note: "measured by the board itself" });
  await store.close();
}
if (peak !== undefined) {
  const { readMemory } = await import("../support/memory.ts");
  console.log(JSON.stringify(await readMemory()));
}
export {};
