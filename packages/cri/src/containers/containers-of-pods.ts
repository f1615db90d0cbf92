import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ContainerStatusSchema } from "../gen/runtime_v1_pb.ts";
import type { ContainersOfPods } from "../pods/pod-call-deps.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { criContainerStatus } from "./cri-container-status.ts";
import { podContainers, type PodContainer } from "./find-container.ts";
import type { ContainerMeter } from "./stats/container-meter.ts";

type Deps = Pick<ContainersDeps, "containers" | "images">;

/** What calls about pods tell of the containers in them. */
export function containersOfPods(deps: Deps, meter: Pick<ContainerMeter, "measure">): ContainersOfPods {
  return {
    statusesIn: async ({ id }) => statusesIn(deps, id),
    statsIn: ({ id }) => meter.measure(containersIn(deps, id)),
  };
}

export function statusesIn(deps: Deps, podId: string): MessageInitShape<typeof ContainerStatusSchema>[] {
  return containersIn(deps, podId).map((record) => criContainerStatus(record, deps));
}

function containersIn({ containers }: Pick<Deps, "containers">, podId: string): PodContainer[] {
  return podContainers(containers).filter(({ pod }) => pod.podId === podId);
}
