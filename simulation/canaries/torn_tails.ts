/**
 * Mistakes of `open` with torn tails: how it cuts them, and how it keeps their bytes.
 *
 * @module
 */

import type { Canary } from "./canary.ts";

const TAIL_REPAIR = "src/journal/tail_repair.ts";
const REPAIR = "src/recovery/repair.ts";
const QUARANTINE = "src/recovery/quarantine.ts";

const TAIL = "A torn tail is repaired and synced before the next append, and its bytes are kept";

/** Each of them breaks the promise about torn tails. */
export const TORN_TAILS: readonly Canary[] = [
  {
    name: "a torn tail is left behind the next append",
    rule: TAIL,
    first: "power cuts: repair of a torn tail",
    patches: [{
      file: TAIL_REPAIR,
      find: "    await fillWithLineFeeds(file, soundEnd, end);\n",
      replace: "",
    }],
  },
  {
    name: "the bytes of a torn tail are not kept",
    rule: TAIL,
    first: "power cuts: repair of a torn tail",
    patches: [{
      file: REPAIR,
      find: "await keepTornTail(directory, end)",
      replace: "null",
    }],
  },
  {
    name: "the bytes of a torn tail are kept under a name that is not synced",
    rule: TAIL,
    first: "power cuts: repair of a torn tail",
    patches: [{
      file: QUARANTINE,
      find:
        "    await directory.fs.syncDirectory(folder);\n    return target;\n  } catch (error) {\n    if",
      replace: "    return target;\n  } catch (error) {\n    if",
    }],
  },
  {
    name: "the copy of a torn tail is not synced",
    rule: TAIL,
    first: "power cuts: repair of a torn tail",
    // Each of the two syncs would make up for the other.
    patches: [
      {
        file: "src/disk/copy_range.ts",
        find: "    await output.syncAll();\n    await fs.rename",
        replace: "    await fs.rename",
      },
      {
        file: "src/disk/copy_range.ts",
        find: "    await output.syncAll();\n    await output.close();\n",
        replace: "    await output.close();\n",
      },
    ],
  },
  {
    name: "a copy is not synced again after its rename, as FAT needs it",
    rule: TAIL,
    first: "power cuts: repair of a torn tail",
    patches: [{
      file: "src/disk/copy_range.ts",
      find: "    await output.syncAll();\n    await output.close();\n",
      replace: "    await output.close();\n",
    }],
  },
  {
    name: "the oldest torn tails are kept",
    rule: TAIL,
    first: "promises: what was set aside",
    patches: [{
      file: QUARANTINE,
      find: "tails.slice(0, Math.max(0, tails.length - TORN_KEPT))",
      replace: "tails.slice(TORN_KEPT)",
    }],
  },
  {
    name: "one byte of a torn tail is left",
    rule: TAIL,
    first: "promises: what was set aside",
    patches: [{
      file: TAIL_REPAIR,
      find: "await fillWithLineFeeds(file, soundEnd, end);",
      replace: "await fillWithLineFeeds(file, soundEnd + 1, end);",
    }],
  },
  {
    name: "a torn tail that can't be kept is cut",
    rule: TAIL,
    first: "promises: what was set aside",
    patches: [{
      file: QUARANTINE,
      find: `    if (isDiskFull(error) || isMetadataDamaged(error)) return null;
    throw ioError("keep`,
      replace: `    if (isDiskFull(error) || error) return null;
    throw ioError("keep`,
    }],
  },
];
