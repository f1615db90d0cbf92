import type { Container, ContainerFilter, RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { criContainer } from "./cri-container.ts";
import { podContainers, type PodContainer } from "./find-container.ts";

/** All containers of pods, or those that a filter selects. */
export function listContainers(deps: ContainersDeps): Handler<typeof RuntimeService.method.listContainers> {
  return async ({ filter }) => ({ containers: selectedContainers(deps, filter) });
}

export function selectedContainers(
  deps: Pick<ContainersDeps, "containers" | "pods">,
  filter: ContainerFilter | undefined,
): Container[] {
  return selectedRecords(deps, filter)
    .map(criContainer)
    .filter(({ state }) => filter?.state === undefined || state === filter.state.state);
}

/** What CRI's filters of containers and of their stats have in common. Ids may be shortened; what nothing has selects nothing. */
export function selectedRecords(
  { containers, pods }: Pick<ContainersDeps, "containers" | "pods">,
  filter: Pick<ContainerFilter, "id" | "podSandboxId" | "labelSelector"> | undefined,
): PodContainer[] {
  const all = podContainers(containers);
  if (filter === undefined) return all;
  const { id, podSandboxId, labelSelector } = filter;
  const podId = podSandboxId === "" ? undefined : (pods.find(podSandboxId)?.id ?? podSandboxId);
  const selected = all.filter(
    (record) =>
      record.id.startsWith(id) &&
      (podId === undefined || record.pod.podId === podId) &&
      Object.entries(labelSelector).every(([name, value]) => record.cri.identity.labels[name] === value),
  );
  // A prefix that several have names none of them.
  if (id === "" || selected.length < 2) return selected;
  return selected.filter((record) => record.id === id);
}
