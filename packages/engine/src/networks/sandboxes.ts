import type * as api from "@pouchcontainer/api";
import { conflict, EngineError, forbidden, messageChain } from "@pouchcontainer/errors";
import { ended } from "../ended.ts";
import { KeyedMutex } from "../keyed-mutex.ts";
import { sandboxInPod, type ContainerNetworks, type NetworkedContainer, type NetworkSandbox } from "./container-networks.ts";
import { EndpointAllocator } from "./endpoint-allocator.ts";
import { endpointsOf, networksOf, planEndpoint, refuseBadSettings, type EndpointPlan } from "./endpoint-plan.ts";
import { sandboxFiles } from "./files/sandbox-files.ts";
import type { AddressManager } from "./ipam/address-manager.ts";
import { linkEnvironment } from "./legacy-links.ts";
import { networkName } from "./network-mode.ts";
import type { NetworkRecord } from "./network-record.ts";
import type { NetworkRegistry } from "./network-registry.ts";
import { defaultBridgeFields, emptySettings, idleEndpoint, liveEndpoint, memberOf, portMap } from "./network-settings.ts";
import { placeOf, Sandbox, type SandboxDeps } from "./sandbox.ts";
import { firewallPorts } from "./sandbox-ports.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";
import { validateNetworks } from "./validate-networks.ts";

export interface SandboxesDeps extends Omit<SandboxDeps, "endpoints"> {
  addresses: AddressManager;
}

/** How long a daemon that starts waits for what ended containers have of networks. */
const releasePatienceMs = 5000;

/**
 * The network side of containers. Order of a start: addresses and ports are chosen in memory, the record is made durable,
 * then the kernel is changed; a daemon killed in between finds the record and takes everything back.
 */
export class Sandboxes implements ContainerNetworks {
  readonly #deps: SandboxDeps;
  readonly #live = new Map<string, Sandbox>();
  readonly #mutex = new KeyedMutex();

  constructor(deps: SandboxesDeps) {
    const { registry, readiness, addresses, warn } = deps;
    const endpoints = new EndpointAllocator({
      registry,
      readiness,
      addresses,
      warn,
      neighbour: (ref) => this.bridgeNeighbour(ref),
    });
    this.#deps = { ...deps, endpoints };
    // Addresses of the last run are held until `restore` says whose containers are gone.
    for (const record of deps.records.values()) {
      for (const endpoint of record.endpoints) deps.addresses.hold(endpoint.networkId, [endpoint.ipv4, endpoint.ipv6]);
    }
  }

  async validate(config: api.ContainerCreateConfig): Promise<void> {
    await Promise.resolve();
    validateNetworks(config, this.#deps.registry);
  }

  prepare(container: NetworkedContainer, options: { deferConnect: boolean; signal?: AbortSignal }): Promise<NetworkSandbox> {
    const mode = networkName(container.networkMode);
    if (mode.startsWith("container:")) return Promise.resolve().then(() => this.#join(mode.slice("container:".length)));
    return this.#mutex.run(container.id, async () => {
      options.signal?.throwIfAborted();
      // What a start that was cut off left behind.
      if (this.#live.has(container.id) || this.#deps.records.get(container.id)) await this.#release(container.id);
      const predefined = mode === "host" || mode === "none";
      if (predefined) refuseSettings(container, this.#deps.registry);
      const plans = predefined ? [] : await this.#plan(container, options.signal);
      try {
        const sandbox = Sandbox.of(this.#deps, container, mode);
        this.#live.set(container.id, sandbox);
        return await sandbox.open(container, mode, plans, options.deferConnect);
      } catch (error) {
        await this.#release(container.id);
        throw EngineError.from(error);
      }
    });
  }

  connect(container: NetworkedContainer): Promise<void> {
    return this.#mutex.run(container.id, async () => {
      const live = this.#live.get(container.id);
      if (!live || live.record.mode === "host") return;
      await live.attachAll(container);
    });
  }

  release(containerId: string): Promise<void> {
    return this.#mutex.run(containerId, () => this.#release(containerId));
  }

  forget(containerId: string): Promise<void> {
    return this.release(containerId);
  }

  linkEnvironment(container: NetworkedContainer): string[] {
    return linkEnvironment(container, (ref) => this.bridgeNeighbour(ref));
  }

  settings(container: NetworkedContainer): api.NetworkSettings {
    const { registry, namespaces } = this.#deps;
    const mode = networkName(container.networkMode);
    const settings = emptySettings();
    if (mode.startsWith("container:")) return settings;
    const { phase = "running" } = container;
    // What a run had is taken back after its end was told: it is gone for everybody who asks, from that moment on.
    const record = phase === "running" ? this.#live.get(container.id)?.record : undefined;
    for (const [ref, wanted] of Object.entries(endpointsOf(container))) {
      const network = registry.find(networkName(ref));
      const endpoint = record?.endpoints.find((each) => each.networkId === network?.id);
      const name = network?.name ?? ref;
      settings.Networks[name] = endpoint
        ? liveEndpoint(wanted, endpoint)
        : idleEndpoint(wanted, phase === "new" ? "" : (network?.id ?? wanted.NetworkID ?? ""), bareIdIn(name, record));
    }
    if (!record) return settings;
    settings.SandboxID = record.sandboxId;
    settings.SandboxKey = record.mode === "host" ? "/proc/1/ns/net" : namespaces.path(container.id);
    settings.Ports = portMap(container, record);
    const bridge = settings.Networks["bridge"];
    return bridge ? { ...settings, ...defaultBridgeFields(bridge) } : settings;
  }

  /** Endpoints in a network, by container. */
  endpointsIn(networkId: string): { containerId: string; containerName: string; endpoint: EndpointRecord }[] {
    return [...this.#live.values()].flatMap(({ record }) =>
      record.endpoints
        .filter((endpoint) => endpoint.networkId === networkId)
        .map((endpoint) => ({ containerId: record.containerId, containerName: record.containerName, endpoint })),
    );
  }

  /** The containers in a network, as inspect shows them. */
  membersOf({ id, name }: NetworkRecord): Record<string, api.NetworkContainer> {
    const members = [...this.#live.values()].flatMap(({ record }): [string, api.NetworkContainer][] => {
      const bareId = bareIdIn(name, record);
      return [
        ...record.endpoints.filter(({ networkId }) => networkId === id).map((endpoint) => memberOf(record, endpoint)),
        ...(bareId === "" ? [] : [memberOf(record, { id: bareId, macAddress: "" })]),
      ].map((member) => [record.containerId, member]);
    });
    return Object.fromEntries(members);
  }

  /**
   * Puts a running container into one more network. `commit` makes it durable that it is in it: a daemon killed before that finds an
   * endpoint that the container does not name, and takes it away.
   */
  attach(
    container: NetworkedContainer,
    network: NetworkRecord,
    settings: api.EndpointSettings,
    commit: () => Promise<void>,
  ): Promise<void> {
    return this.#mutex.run(container.id, async () => {
      const live = this.#live.get(container.id);
      if (!live) throw conflict(`container ${container.id} is not running`);
      if (live.record.endpoints.some((endpoint) => endpoint.networkId === network.id)) {
        throw forbidden(`endpoint with name ${container.name} already exists in network ${network.name}`);
      }
      await live.attach(container, { network, settings }, commit);
    });
  }

  /**
   * Takes a running container out of a network. `commit` makes that durable first, and a daemon killed after it goes on from there;
   * `undo` makes it durable that the container is still in the network, since its interface could not be taken away.
   */
  detach(
    container: NetworkedContainer,
    network: NetworkRecord,
    { commit, undo }: { commit: () => Promise<void>; undo: () => Promise<void> },
  ): Promise<void> {
    return this.#mutex.run(container.id, async () => {
      const live = this.#live.get(container.id);
      const endpoint = live?.record.endpoints.find((each) => each.networkId === network.id);
      if (!live || !endpoint) throw forbidden(`container ${container.id} is not connected to network ${network.name}`);
      await commit();
      try {
        await live.detach(container, endpoint);
      } catch (error) {
        if (live.record.endpoints.includes(endpoint)) await undo();
        throw error;
      }
    });
  }

  /** The container has a new name: from now on it answers to that one. */
  rename(containerId: string, name: string): Promise<void> {
    return this.#mutex.run(containerId, async () => {
      const live = this.#live.get(containerId);
      await live?.rename(name);
    });
  }

  holding(): string[] {
    const { namespaces, records } = this.#deps;
    return [
      ...new Set([...namespaces.list(), ...[...records.values()].map(({ containerId }) => containerId), ...this.#live.keys()]),
    ];
  }

  async restore(running: NetworkedContainer[], setAside: ReadonlySet<string> = new Set()): Promise<void> {
    const { records, namespaces, readiness, registry, warn } = this.#deps;
    const alive = new Map(running.map((container) => [container.id, container]));
    const known = new Set([...namespaces.list(), ...[...records.values()].map((record) => record.containerId)]);
    await this.#releaseAll([...known].filter((id) => !alive.has(id) && !setAside.has(id)));
    for (const record of records.values()) {
      const container = alive.get(record.containerId);
      if (container) this.#live.set(container.id, Sandbox.adopt(this.#deps, container, record));
    }
    // Published ports and links are taken up together with the rules of their networks.
    for (const network of registry.all()) {
      if (this.endpointsIn(network.id).length === 0) continue;
      await readiness
        .ensure(network)
        .catch((error: unknown) => warn(`network ${network.name} cannot be put in place: ${String(error)}`));
    }
    for (const live of this.#live.values()) {
      await live
        .openPorts()
        .catch((error: unknown) => warn(`published ports of ${live.record.containerName} cannot be put back: ${String(error)}`));
    }
    for (const container of running)
      if (!setAside.has(container.id))
        await this.#mutex.run(container.id, async () => this.#live.get(container.id)?.complete(container));
  }

  /** One that hangs, with a CNI plugin that does, is not waited for long: what it holds stays held until it is done. */
  async #releaseAll(ids: readonly string[]): Promise<void> {
    const { warn } = this.#deps;
    const release = async (): Promise<void> => {
      for (const id of ids)
        await this.release(id).catch((error: unknown) =>
          warn(`networks of the container ${id}, which has ended, cannot be taken back yet: ${messageChain(error)}`),
        );
    };
    if (!(await ended(release(), releasePatienceMs))) warn("networks of containers that have ended are being taken back yet");
  }

  /** Resolves when addresses of released containers can be given again. */
  async settled(): Promise<void> {
    await this.#deps.endpoints.settled();
  }

  /** Ends what lives in this process; containers keep their networks. */
  async close(): Promise<void> {
    await this.settled();
    for (const live of this.#live.values()) {
      live.closeResolver();
      live.givePorts();
    }
    this.#live.clear();
  }

  async #plan(container: NetworkedContainer, signal: AbortSignal | undefined): Promise<EndpointPlan[]> {
    const plans: EndpointPlan[] = [];
    for (const { network, settings } of networksOf(container, this.#deps.registry)) {
      plans.push(await planEndpoint(this.#deps.chains, container, network, settings, signal));
    }
    return plans;
  }

  async #release(containerId: string): Promise<void> {
    const { records, namespaces, names, readiness, registry, firewall, warn } = this.#deps;
    const live = this.#live.get(containerId);
    const record = live?.record ?? records.get(containerId);
    if (record) {
      live?.closeResolver();
      for (const endpoint of record.endpoints) {
        names.remove(endpoint);
        const closed = live ? live.closePorts(endpoint) : firewall.close(firewallPorts(endpoint), endpoint.openings);
        // The rules forget the ports with their next transaction at the latest.
        await Promise.resolve(closed).catch((error: unknown) =>
          warn(`rules of ${record.containerName} could not be removed: ${String(error)}`),
        );
        const network = registry.byId(endpoint.networkId);
        if (!network) continue;
        // Whatever a driver cannot take back must not keep the rest from being taken back.
        await Promise.resolve()
          .then(() => readiness.driver(network).forget(network, endpoint, placeOf(namespaces, record)))
          .catch((error: unknown) =>
            warn(`network ${network.name}: the endpoint of ${record.containerName} could not be taken back: ${String(error)}`),
          );
      }
    }
    namespaces.remove(containerId);
    if (!record) return;
    live?.givePorts();
    if (records.get(containerId)) await records.delete(containerId);
    this.#live.delete(containerId);
    for (const endpoint of record.endpoints) {
      this.#deps.endpoints.giveWhenVanished(endpoint);
      if (live?.isAttached(endpoint)) live.publishEvent("disconnect", endpoint.networkName);
    }
    if (live && record.bare) live.publishEvent("disconnect", record.bare.networkName);
  }

  #join(ref: string): NetworkSandbox {
    const { container, running } = this.#deps.containers.find(ref);
    if (!running) throw conflict(`cannot join network of a non running container: ${container.id}`);
    if (container.pod) return sandboxInPod(container.pod);
    const files = sandboxFiles(container.filesDirectory);
    if (networkName(container.networkMode) === "host") return files;
    return { netnsPath: this.#deps.namespaces.path(container.id), ...files };
  }

  /** A container as `--link` on the default bridge sees it. */
  bridgeNeighbour(ref: string) {
    const { container, running } = this.#deps.containers.find(ref);
    const endpoint = this.#live.get(container.id)?.record.endpoints.find((each) => each.networkName === "bridge");
    return { container, running, endpoint };
  }
}

/** The endpoint's id in `host` or `none`, for which a name is enough: they are predefined. */
function bareIdIn(networkName: string, record: SandboxRecord | undefined): string {
  return record?.bare?.networkName === networkName ? record.bare.id : "";
}

/** Where there is no endpoint, none can be as it was asked for: told at the start, as dockerd does. */
function refuseSettings(container: NetworkedContainer, registry: NetworkRegistry): void {
  for (const { network, settings } of networksOf(container, registry)) refuseBadSettings(network, settings);
}
