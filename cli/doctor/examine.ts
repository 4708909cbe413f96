/**
 * Examines a directory and the machine around it.
 *
 * @module
 */

import { joinPath, LOCK_NAME } from "../../src/disk/names.ts";
import type { Context } from "../context.ts";
import type { Space } from "../machine.ts";
import { accessFindings } from "./access.ts";
import { clockFindings } from "./clock.ts";
import { damageFindings } from "./damage.ts";
import { type DeviceFacts, deviceFinding, deviceOf } from "./device.ts";
import { isVolatile, lacksOwners, placeFindings } from "./file_system.ts";
import { ask, type DoctorFinding, isUnknown, valueOrNull } from "./finding.ts";
import { hasWriter, namesIn, ownFilesIn, platformFacts, textOf } from "./gather.ts";
import { writerFinding } from "./lock.ts";
import { optionFindings } from "./mount_options.ts";
import { type Mount, mountOf, parseMounts } from "./mounts.ts";
import { findTarget, missingFinding, type Target } from "./target.ts";
import { platformFindings } from "./platform.ts";
import { spaceFindings } from "./space.ts";
import { NO_STATE, type StateFacts, stateFinding, stateIn } from "./state.ts";
import type { SyncLatency } from "./sync_latency.ts";
import { leftOverFindings, runTrials } from "./trials.ts";

/** The result of an examination. */
export interface Examination {
  /** The absolute path that was examined: that of the directory, or of its nearest existing ancestor. */
  examined: string;
  /** Whether the directory exists. */
  exists: boolean;
  findings: DoctorFinding[];
  /** Facts that programs may want as numbers; `null` for unknown ones. */
  facts: {
    pageSize: number | null;
    mount: Mount | null;
    device: DeviceFacts | null;
    space: Space | null;
    sync: SyncLatency | null;
  };
}

/**
 * Examines a directory.
 *
 * @param interruption ends the sync test early; `null` skips the test
 */
export async function examineDirectory(
  context: Context,
  directory: string,
  interruption: AbortSignal | null,
): Promise<Examination> {
  const { machine, fs } = context;
  const target = await findTarget(machine, directory);
  const { path, exists } = target;
  const platform = await platformFacts(machine);
  const mounts = await ask(async () => parseMounts(await textOf(machine, "/proc/self/mountinfo")));
  const mount = isUnknown(mounts) ? null : mountOf(mounts, path);
  const volatile = mount !== null && isVolatile(mount);
  const device = mount === null || volatile ? null : await deviceOf(machine, mount);
  const space = await ask(() => machine.space(path));
  const state = exists ? await stateIn(context, directory) : NO_STATE;
  const facts = {
    mount,
    device: device === null ? null : valueOrNull(device),
    space: valueOrNull(space),
  };
  const disk = facts.device?.disk ?? null;
  const trials = await runTrials(
    fs,
    { path, volatile, space: facts.space, disk },
    interruption,
  );
  const findings = [
    ...missingFinding(target, directory),
    ...platformFindings(platform),
    ...placeFindings({ path, mounts, fstab: await ask(() => textOf(machine, "/etc/fstab")) }),
    ...(mount === null ? [] : optionFindings(mount)),
    ...(device === null ? [] : [deviceFinding(device)]),
    ...spaceFindings(space, state.inspection?.snapshots.at(-1)?.size ?? 0),
    ...clockFindings({
      now: machine.now(),
      rtc: await ask(() => textOf(machine, "/sys/class/rtc/rtc0/name")),
      newest: state.newest,
    }),
    ...await stateFindings(context, directory, target, mount, state),
    ...trials.findings,
  ];
  return {
    examined: path,
    exists,
    findings: [...findings, ...refusedFindings(findings)],
    facts: { pageSize: valueOrNull(platform.pageSize), ...facts, sync: trials.sync },
  };
}

/** Findings about the state and its access rights; none while the directory doesn't exist. */
async function stateFindings(
  { machine, fs }: Context,
  directory: string,
  { path, exists }: Target,
  mount: Mount | null,
  state: StateFacts,
): Promise<DoctorFinding[]> {
  if (!exists) return [];
  const names = await namesIn(fs, path);
  const files = await ownFilesIn(machine, path, names);
  const status = await ask(() => machine.status(path));
  const locked = await hasWriter(machine, mount, status, files);
  return [
    stateFinding(state, directory),
    writerFinding(locked, joinPath(directory, LOCK_NAME)),
    ...await damageFindings(machine, path, names),
    ...accessFindings({
      directory,
      status,
      files,
      userId: await ask(() => machine.userId()),
      ownerless: mount !== null && lacksOwners(mount),
    }),
    ...leftOverFindings(valueOrNull(names) ?? []),
  ];
}

/** Advises how to obtain facts that were refused. */
function refusedFindings(findings: DoctorFinding[]): DoctorFinding[] {
  const refused = findings.filter(({ mark, found }) =>
    mark === "unknown" && /EPERM|EACCES/.test(found)
  );
  if (refused.length === 0) return [];
  return [{
    check: "access",
    mark: "notice",
    found: "not everything could be examined",
    meaning: "Some of the facts above are refused to this process",
    advice: "Under Deno, run it with --allow-all, which /proc and /sys need; otherwise with sudo",
  }];
}
