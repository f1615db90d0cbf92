import type { CommandBackendDeps, ContainersDeps } from "@pouchcontainer/cri";
import { containerStates, type EventBus, type ExecManager } from "@pouchcontainer/engine";
import { hostname } from "node:os";
import type { CriDeps } from "./cri.ts";

/** What CRI's calls about containers need, and the streams of their processes. */
export type CriContainersDeps = Pick<CriDeps, "containers" | "pods" | "images" | "facts"> & {
  exec: ExecManager;
  events: EventBus;
  chains: ContainersDeps["chains"];
  clock: { now(): bigint };
};

export function criContainers(
  { containers, pods, images, exec, events, chains, clock, facts }: CriContainersDeps,
  more: Pick<ContainersDeps, "streams" | "snapshotsFolder">,
): ContainersDeps {
  return {
    containers,
    pods,
    images,
    exec,
    chains,
    stateChanges: (signal) => containerStates(events, signal),
    hasApparmor: facts.apparmor,
    hostName: () => hostname(),
    now: () => clock.now(),
    ...more,
  };
}

export function criCommands({ exec, containers }: Pick<CriContainersDeps, "exec" | "containers">): CommandBackendDeps {
  return {
    exec,
    containers: {
      attach: async (id, request) => await containers.attach(id, request),
      resize: (id, size) => containers.resize(id, size),
    },
  };
}
