import type { TaskState } from "@pouchcontainer/containerd";
import { join } from "node:path";
import type { ContainerDeps } from "../container-deps.ts";
import type { ContainerRoom } from "../container-room.ts";
import { containersIn, isContainerId } from "../folder-names.ts";
import { groupsIn, hierarchiesOf } from "../../control-groups/control-groups.ts";
import { unansweredTask } from "./unanswered-task.ts";
import { runtimeProcesses } from "./runtime-processes.ts";

/** What there is of a container's run outside of our memory: in containerd, among the processes, in folders. */
export interface Footprint {
  task?: TaskState;
  /** Kinds of traces, for the log: `shim`, `bundle`, `control group`, … */
  traces: Set<string>;
}

/** The traces of runs on this machine, by container: of ours, and in places that are ours alone. */
export async function footprints({ deps, registry }: Pick<ContainerRoom, "deps" | "registry">): Promise<Map<string, Footprint>> {
  const found = new Map<string, Footprint>();
  const note = (id: string, trace: string): Footprint => {
    const footprint = found.get(id) ?? { traces: new Set() };
    found.set(id, footprint);
    footprint.traces.add(trace);
    return footprint;
  };
  const parents = groupParents(
    deps,
    registry.all.map(({ record }) => record.hostConfig.CgroupParent ?? ""),
  );
  const [tasks, processes, groups, bundles, states, folders] = await Promise.all([
    deps.containerd.tasks.list(),
    runtimeProcesses(runtimeMarks(deps)),
    Promise.all(hierarchiesOf(deps.mountInfo()).flatMap((place) => parents.map((parent) => groupsIn(join(place, parent))))),
    Promise.all(deps.runtimeRoots.bundles.map(idsIn)),
    idsIn(deps.runtimeRoots.states),
    idsIn(deps.roots.exec),
  ]);
  for (const task of tasks) note(task.containerId, "task").task = unansweredTask(task, deps.records.get(task.containerId));
  for (const { containerId } of processes) note(containerId, "shim");
  for (const id of new Set(groups.flat().filter(isContainerId))) note(id, "control group");
  for (const id of bundles.flat()) note(id, "bundle");
  for (const id of states) note(id, "state of the runtime");
  for (const id of folders) note(id, "folder");
  for (const id of deps.networks.holding()) note(id, "network");
  return found;
}

export const runtimeMarks = ({
  containerd,
  runtimeRoots,
  roots,
}: Pick<ContainerDeps, "containerd" | "runtimeRoots" | "roots">) => ({
  address: containerd.address,
  namespace: containerd.namespace,
  states: runtimeRoots.states,
  exec: roots.exec,
});

function groupParents({ specSettings }: ContainerDeps, ofContainers: string[]): string[] {
  if (specSettings.cgroupDriver !== "cgroupfs") return [];
  return [...new Set([specSettings.cgroupParent, ...ofContainers].filter((parent) => parent !== ""))];
}

const idsIn = async (folder: string | undefined): Promise<string[]> => (folder === undefined ? [] : containersIn(folder));
