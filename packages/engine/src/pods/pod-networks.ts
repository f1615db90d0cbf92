import type { NetworkSettings } from "@pouchcontainer/api";
import { isIP } from "node:net";
import type { PodMembership } from "../containers/pod-membership.ts";
import {
  sandboxInPod,
  type ContainerNetworks,
  type NetworkedContainer,
  type NetworkSandbox,
} from "../networks/container-networks.ts";

export interface PodNetworksDeps {
  /** For containers that are in no pod. */
  others: ContainerNetworks;
  /** What a container has from its pod; undefined for one that is in none. */
  membershipOf(containerId: string): PodMembership | undefined;
  /** A pod's addresses, its own first. */
  addressesOf(podId: string): readonly string[];
  /** Throws for a pod that takes no containers any more. */
  requireReady(podId: string): void;
}

/** Networks of containers in pods, which have their pod's, whoever made it; all others have those they always had. */
export class PodNetworks implements ContainerNetworks {
  readonly #deps: PodNetworksDeps;

  constructor(deps: PodNetworksDeps) {
    this.#deps = deps;
  }

  validate(config: Parameters<ContainerNetworks["validate"]>[0]): Promise<void> {
    return this.#deps.others.validate(config);
  }

  async prepare(container: NetworkedContainer, options: Parameters<ContainerNetworks["prepare"]>[1]): Promise<NetworkSandbox> {
    const membership = this.#deps.membershipOf(container.id);
    if (membership === undefined) return await this.#deps.others.prepare(container, options);
    this.#deps.requireReady(membership.podId);
    return sandboxInPod(membership);
  }

  async connect(container: NetworkedContainer): Promise<void> {
    if (!this.#isInPod(container.id)) await this.#deps.others.connect(container);
  }

  async release(containerId: string): Promise<void> {
    if (!this.#isInPod(containerId)) await this.#deps.others.release(containerId);
  }

  linkEnvironment(container: NetworkedContainer): string[] {
    return this.#isInPod(container.id) ? [] : this.#deps.others.linkEnvironment(container);
  }

  settings(container: NetworkedContainer): NetworkSettings {
    const membership = this.#deps.membershipOf(container.id);
    if (membership === undefined) return this.#deps.others.settings(container);
    return settingsInPod(membership, container.phase === "ended" ? [] : this.#deps.addressesOf(membership.podId));
  }

  async rename(containerId: string, name: string): Promise<void> {
    if (!this.#isInPod(containerId)) await this.#deps.others.rename(containerId, name);
  }

  async forget(containerId: string): Promise<void> {
    if (!this.#isInPod(containerId)) await this.#deps.others.forget(containerId);
  }

  /** Pods' namespaces are not among them: a sweep for what containers left never sees one. */
  holding(): string[] {
    return this.#deps.others.holding();
  }

  restore(running: NetworkedContainer[], setAside?: ReadonlySet<string>): Promise<void> {
    return this.#deps.others.restore(
      running.filter(({ id, pod }) => pod === undefined && !this.#isInPod(id)),
      setAside,
    );
  }

  #isInPod(containerId: string): boolean {
    return this.#deps.membershipOf(containerId) !== undefined;
  }
}

/** In no network of Docker's, with the addresses of the pod. */
function settingsInPod({ podId, namespaces }: PodMembership, addresses: readonly string[]): NetworkSettings {
  return {
    Bridge: "",
    SandboxID: podId,
    SandboxKey: namespaces.network === "host" ? "" : namespaces.network,
    Ports: {},
    EndpointID: "",
    Gateway: "",
    GlobalIPv6Address: addresses.find((address) => isIP(address) === 6) ?? "",
    GlobalIPv6PrefixLen: 0,
    IPAddress: addresses.find((address) => isIP(address) === 4) ?? "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    MacAddress: "",
    Networks: {},
  };
}
