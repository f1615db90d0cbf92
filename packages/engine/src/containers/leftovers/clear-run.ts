import { internal, isKind } from "@pouchcontainer/errors";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { killProcess } from "../../kill-process.ts";
import type { ContainerRecord } from "../container-record.ts";
import type { ContainerRoom } from "../container-room.ts";
import { deleteTask } from "../delete-task.ts";
import { cgroupsPath } from "../spec/index.ts";
import { takeDownFolder } from "../take-down-folder.ts";
import { groupFolders, hierarchiesOf, processesIn, removeGroup, thawGroup } from "../../control-groups/control-groups.ts";
import { runtimeMarks } from "./footprints.ts";
import { markedProcesses, runtimeProcesses, withDescendants } from "./runtime-processes.ts";

/** Whose run it was; without a record it had what containers have by default. */
export interface Runner {
  id: string;
  record?: ContainerRecord;
}

/**
 * Ends a run and takes away everything of it, whoever was killed over it and whatever of it containerd still knows. The container
 * itself stays. The caller holds its lock, and knows that its run is over or never began.
 */
export async function clearRun(room: Pick<ContainerRoom, "deps">, runner: Runner): Promise<void> {
  const { deps } = room;
  await clearRuntime(room, runner);
  await deps.networks.release(runner.id);
  for (const { type, name, destination } of runner.record?.mountPoints ?? [])
    if (type === "volume" && name !== undefined) await deps.volumes.unmount(name, { containerId: runner.id, destination });
  await takeDownFolder(join(deps.roots.exec, runner.id));
}

/** The part that containerd, the shim and the runtime made: processes, task, folders, control groups. */
export async function clearRuntime({ deps }: Pick<ContainerRoom, "deps">, runner: Runner): Promise<void> {
  const { id, record } = runner;
  const { bundles, states } = deps.runtimeRoots;
  const group = groupOf({ deps }, runner);
  const failure: unknown = await deleteTask({ deps }, id, true).catch((error: unknown) => error);
  // Without containerd it cannot be told what is left; what we took away now it would miss.
  if (isKind(failure, "unavailable")) throw failure;
  await endProcesses({ deps }, runner);
  // A shim that could not do it is gone now, and containerd knows that.
  if (failure !== undefined) await deleteTask({ deps }, id, true);
  if (states !== undefined && existsSync(join(states, id)))
    await deps.runtime(runtimeNameOf(deps, record), record?.hostConfig.RuntimeType).forget?.(id);
  for (const place of bundles) await takeDownFolder(join(place, id));
  for (const folder of groupFolders(hierarchiesOf(deps.mountInfo()), group)) await removeGroup(folder);
}

/** Of a runtime that is not configured any more the states are read by the default one: they are all runc's. */
function runtimeNameOf({ configSettings }: ContainerRoom["deps"], record: Runner["record"]): string {
  const name = record?.hostConfig.Runtime ?? "";
  return configSettings.runtimes.includes(name) ? name : configSettings.defaultRuntime;
}

/** How often it is looked whether something came to life while the rest was being ended, and how long the last may take. */
const looks = 50;
const lookMs = 100;

/** Its control group, as the runtime was told it. */
export function groupOf({ deps }: Pick<ContainerRoom, "deps">, { id, record }: Runner): string {
  const { cgroupDriver, cgroupParent } = deps.specSettings;
  return cgroupsPath(id, cgroupDriver, record?.hostConfig.CgroupParent || cgroupParent);
}

/**
 * Kills shims, calls of the runtime, what they began, and whatever is in the container's groups, until nothing is left. Asks nobody:
 * it is the way out when the shim does not answer. containerd sees that the shim has gone, and what waits for the exit hears of it.
 */
export async function endProcesses({ deps }: Pick<ContainerRoom, "deps">, runner: Runner): Promise<void> {
  const { id } = runner;
  const group = groupOf({ deps }, runner);
  for (let look = 0; look < looks; look++) {
    const ofRuntime = (await runtimeProcesses(runtimeMarks(deps))).filter(({ containerId }) => containerId === id);
    const folders = groupFolders(hierarchiesOf(deps.mountInfo()), group);
    const inGroups = await Promise.all(folders.map(processesIn));
    const ofHooks = await markedProcesses(new Set(ofRuntime.flatMap(({ mark }) => mark ?? [])));
    const pids = new Set([...ofRuntime.flatMap(({ pid }) => withDescendants(pid)), ...ofHooks, ...inGroups.flat()]);
    if (pids.size === 0) return;
    for (const pid of pids) killProcess(pid);
    await Promise.all(folders.map(thawGroup));
    await sleep(lookMs);
  }
  throw internal(`processes of container ${id} do not end`);
}
