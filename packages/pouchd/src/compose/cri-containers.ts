import type { CommandBackendDeps, ContainersDeps, CriImages } from "@pouchcontainer/cri";
import { stateChanges } from "@pouchcontainer/engine";
import type { Clock, ContainerManager, EventBus, ExecManager, HostFacts, PodManager } from "@pouchcontainer/engine";
import { hostname } from "node:os";

/** What CRI's calls about containers need, and the streams of their processes. */
export interface CriContainersDeps {
  containers: ContainerManager;
  pods: PodManager;
  images: CriImages;
  exec: ExecManager;
  events: EventBus;
  chains: ContainersDeps["chains"];
  clock: Clock;
  facts: HostFacts;
}

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
    stateChanges: (signal) => stateChanges(events, signal),
    hasSeccomp: facts.seccomp,
    apparmorProfiles: () => (facts.apparmor ? facts.apparmorProfiles : undefined),
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
