import type * as api from "@pouchcontainer/api";
import { conflict, EngineError, forbidden, notFound } from "@pouchcontainer/errors";
import type { Libc } from "@pouchcontainer/linux";
import type { PluginChains } from "../plugin-host/chains.ts";
import type { Collection } from "../store/index.ts";
import type {
  ContainerNetworks,
  NetworkContainers,
  NetworkedContainer,
  NetworkEvents,
  NetworkSandbox,
} from "./container-networks.ts";
import { byRank, defaultRouteChanges } from "./default-routes.ts";
import type { NameDirectory } from "./dns/name-directory.ts";
import type { PendingQueries } from "./dns/pending-queries.ts";
import type { EndpointPlace } from "./drivers/network-driver.ts";
import { EndpointAllocator } from "./endpoint-allocator.ts";
import { endpointDifferences } from "./endpoint-differences.ts";
import { endpointsOf, networksOf, planEndpoint, type EndpointPlan, type WantedNetwork } from "./endpoint-plan.ts";
import { sandboxFiles } from "./files/sandbox-files.ts";
import type { AddressManager } from "./ipam/address-manager.ts";
import { linkEnvironment } from "./legacy-links.ts";
import { KeyedMutex } from "../keyed-mutex.ts";
import type { NetworkNamespaces } from "./linux/network-namespaces.ts";
import { networkName } from "./network-mode.ts";
import type { NetworkRecord } from "./network-record.ts";
import type { NetworkReadiness } from "./network-readiness.ts";
import { newId, type NetworkRegistry } from "./network-registry.ts";
import { defaultBridgeFields, emptySettings, idleEndpoint, liveEndpoint, portMap } from "./network-settings.ts";
import type { SandboxContent } from "./sandbox-content.ts";
import { firewallPorts, SandboxPorts, type SandboxPortsDeps } from "./sandbox-ports.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";
import { SandboxResolver } from "./sandbox-resolver.ts";
import { publishConnection } from "./publish-connection.ts";
import { settleAll } from "../settle-all.ts";
import { validateNetworks } from "./validate-networks.ts";

export interface SandboxesDeps extends SandboxPortsDeps {
  registry: NetworkRegistry;
  records: Collection<SandboxRecord>;
  readiness: NetworkReadiness;
  addresses: AddressManager;
  names: NameDirectory;
  pending: PendingQueries;
  namespaces: NetworkNamespaces;
  libc: Libc;
  content: SandboxContent;
  chains: Pick<PluginChains, "preCreateEndpoint">;
  events: NetworkEvents;
  containers: NetworkContainers;
  warn: (message: string) => void;
}

/** What is held for one container while it has a network. */
interface LiveSandbox {
  record: SandboxRecord;
  ports: SandboxPorts;
  /** The endpoint the published ports lead to. */
  published: EndpointRecord | undefined;
  resolver: SandboxResolver | undefined;
  /** Endpoints whose interface is in the namespace. */
  attached: Set<string>;
}

/**
 * The network side of containers. Order of a start: addresses and ports are chosen in memory, the record is made durable,
 * then the kernel is changed; a daemon killed in between finds the record and takes everything back.
 */
export class Sandboxes implements ContainerNetworks {
  readonly #deps: SandboxesDeps;
  readonly #live = new Map<string, LiveSandbox>();
  readonly #mutex = new KeyedMutex();
  readonly #allocator: EndpointAllocator;

  constructor(deps: SandboxesDeps) {
    this.#deps = deps;
    const { registry, readiness, addresses, warn } = deps;
    this.#allocator = new EndpointAllocator({
      registry,
      readiness,
      addresses,
      warn,
      neighbour: (ref) => this.bridgeNeighbour(ref),
    });
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
      const plans = mode === "host" || mode === "none" ? [] : await this.#plan(container, options.signal);
      try {
        return await this.#set(container, mode, plans, options.deferConnect);
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
      await this.#attachAll(container, live);
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
      settings.Networks[network?.name ?? ref] = endpoint
        ? liveEndpoint(wanted, endpoint)
        : idleEndpoint(wanted, phase === "new" ? "" : (network?.id ?? wanted.NetworkID ?? ""));
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
      await this.#attach(container, live, { network, settings }, commit);
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
        await this.#detach(container, live, endpoint);
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
      if (live) await this.#rename(live, name);
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
    for (const id of known) if (!alive.has(id) && !setAside.has(id)) await this.release(id);
    for (const record of records.values()) {
      const container = alive.get(record.containerId);
      if (container) this.#adopt(container, record);
    }
    // Published ports and links are taken up together with the rules of their networks.
    for (const network of registry.all()) {
      if (this.endpointsIn(network.id).length === 0) continue;
      await readiness
        .ensure(network)
        .catch((error: unknown) => warn(`network ${network.name} cannot be put in place: ${String(error)}`));
    }
    for (const live of this.#live.values()) {
      if (!live.published) continue;
      await live.ports
        .open(live.published)
        .catch((error: unknown) => warn(`published ports of ${live.record.containerName} cannot be put back: ${String(error)}`));
    }
    for (const container of running) if (!setAside.has(container.id)) await this.#complete(container);
  }

  /** What a daemon that was killed had begun with a running container's networks is finished or undone. */
  async #complete(container: NetworkedContainer): Promise<void> {
    await this.#mutex.run(container.id, async () => {
      const { namespaces, registry, warn } = this.#deps;
      const live = this.#live.get(container.id);
      if (!live || !namespaces.exists(container.id)) return;
      const attempt = (what: string, work: () => Promise<void>) =>
        work().catch((error: unknown) => warn(`${container.name} cannot be ${what}: ${String(error)}`));
      const { surplus, missing } = endpointDifferences(container, live.record, registry);
      for (const endpoint of surplus)
        await attempt(`taken out of network ${endpoint.networkName}`, () => this.#detach(container, live, endpoint));
      if (live.record.containerName !== container.name)
        await attempt("found by its new name", () => this.#rename(live, container.name));
      await attempt("put back into its networks", () => this.#reattach(container, live));
      if (!live.published) await attempt("reached by its published ports", () => this.#publish(container, live));
      for (const wanted of missing)
        await attempt(`put into network ${wanted.network.name}`, () =>
          this.#attach(container, live, wanted, () => Promise.resolve()),
        );
    });
  }

  /** Interfaces that are gone or off their bridge are made anew. */
  async #reattach(container: NetworkedContainer, live: LiveSandbox): Promise<void> {
    const { names, readiness, registry } = this.#deps;
    const place = this.#place(live.record);
    for (const endpoint of live.record.endpoints) {
      const network = registry.byId(endpoint.networkId);
      if (!network) continue;
      const driver = readiness.driver(network);
      if (driver.isAttached(network, endpoint, place)) continue;
      await driver.detach(network, endpoint, place);
      names.remove(endpoint);
      live.attached.delete(endpoint.id);
    }
    await this.#attachAll(container, live);
  }

  /** The endpoint the published ports led to went, and no other had them yet. */
  async #publish(container: NetworkedContainer, live: LiveSandbox): Promise<void> {
    this.#takePorts(container, live);
    if (!live.published || live.published.ports.length === 0) return;
    await this.#deps.records.put(container.id, live.record);
    await live.ports.open(live.published);
  }

  /** Resolves when addresses of released containers can be given again. */
  async settled(): Promise<void> {
    await this.#allocator.settled();
  }

  /** Ends what lives in this process; containers keep their networks. */
  async close(): Promise<void> {
    await this.settled();
    for (const live of this.#live.values()) {
      live.resolver?.close();
      live.ports.give();
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

  async #set(container: NetworkedContainer, mode: string, plans: EndpointPlan[], deferConnect: boolean): Promise<NetworkSandbox> {
    const { records, namespaces, content } = this.#deps;
    const live: LiveSandbox = {
      record: {
        containerId: container.id,
        containerName: container.name,
        sandboxId: newId(),
        mode: mode === "host" ? "host" : "namespace",
        endpoints: [],
      },
      ports: new SandboxPorts(this.#deps),
      published: undefined,
      resolver: undefined,
      attached: new Set(),
    };
    this.#live.set(container.id, live);
    await this.#allocator.allocate(container, live.record, plans);
    if (plans.length > 0) this.#takePorts(container, live);
    if (mode === "host") {
      await records.put(container.id, live.record);
      this.#publishEvent("connect", mode, container.id);
      return content.writeHostMode(container);
    }
    // A namespace without a record is swept away at start, so it may come first.
    const netnsPath = namespaces.create(container.id);
    if (content.hasResolver(live.record)) this.#openResolver(container, live, netnsPath, { replace: false });
    await records.put(container.id, live.record);
    const written = content.write(container, live.record);
    await settleAll([written, deferConnect ? undefined : this.#attachAll(container, live)]);
    if (mode === "none") this.#publishEvent("connect", mode, container.id);
    return { netnsPath, ...(await written) };
  }

  /** Published ports lead to the container's first network that has a way out the host knows. */
  #takePorts(container: NetworkedContainer, live: LiveSandbox): void {
    const { registry, readiness } = this.#deps;
    for (const endpoint of live.record.endpoints.toSorted(byRank)) {
      const network = registry.byId(endpoint.networkId);
      if (!network || endpoint.internal || !readiness.driver(network).publishesPorts) continue;
      live.ports.take(container, network, endpoint);
      live.published = endpoint;
      return;
    }
  }

  async #attachAll(container: NetworkedContainer, live: LiveSandbox): Promise<void> {
    const { readiness, registry, namespaces, names, records } = this.#deps;
    const place = this.#place(live.record);
    const fresh = live.record.endpoints.filter((endpoint) => !live.attached.has(endpoint.id));
    if (fresh.length === 0) return;
    const made = await settleAll(
      fresh.map(async (endpoint) => {
        const network = registry.byId(endpoint.networkId);
        if (!network) throw notFound(`network ${endpoint.networkName} not found`);
        await readiness.ensure(network);
        return readiness.driver(network).attach(network, endpoint, place);
      }),
    );
    namespaces.change(place.netnsPath, [...made.flatMap((each) => each.inside), ...defaultRouteChanges(live.record.endpoints)]);
    // Addresses a driver found itself are known only now.
    if (made.some((each) => each.changed === true)) await records.put(container.id, { ...live.record });
    for (const endpoint of fresh) live.attached.add(endpoint.id);
    if (live.published && fresh.includes(live.published)) await live.ports.open(live.published);
    for (const endpoint of fresh) {
      names.add(endpoint);
      this.#publishEvent("connect", endpoint.networkName, container.id);
    }
    await this.#raiseResolver(container, live);
  }

  /** A container that was in the default bridge alone gets its resolver with the first network that has names. */
  async #raiseResolver(container: NetworkedContainer, live: LiveSandbox): Promise<void> {
    if (live.resolver) return live.resolver.reconfigure(this.#resolverSettings(container, live.record));
    if (!this.#deps.content.hasResolver(live.record)) return;
    // A daemon that was killed may have led the queries elsewhere before it could note where.
    this.#openResolver(container, live, this.#place(live.record).netnsPath, { replace: true });
    await this.#deps.records.put(container.id, live.record);
  }

  #openResolver(container: NetworkedContainer, live: LiveSandbox, netnsPath: string, { replace }: { replace: boolean }): void {
    live.resolver = new SandboxResolver(this.#deps, netnsPath, this.#resolverSettings(container, live.record));
    live.record = { ...live.record, resolver: live.resolver.ports };
    live.resolver.redirect({ replace });
  }

  async #rename(live: LiveSandbox, name: string): Promise<void> {
    const old = live.record.containerName;
    for (const endpoint of live.record.endpoints) this.#deps.names.remove(endpoint);
    const endpoints = live.record.endpoints.map((endpoint) => ({
      ...endpoint,
      dnsNames: [name, ...endpoint.dnsNames.filter((each) => each !== old && each !== name)],
    }));
    live.record = { ...live.record, containerName: name, endpoints };
    if (live.published) live.published = endpoints.find((endpoint) => endpoint.id === live.published?.id);
    for (const endpoint of endpoints) this.#deps.names.add(endpoint);
    this.#reconfigureResolver(live);
    await this.#deps.records.put(live.record.containerId, live.record);
  }

  async #attach(
    container: NetworkedContainer,
    live: LiveSandbox,
    { network, settings }: WantedNetwork,
    commit: () => Promise<void>,
  ): Promise<void> {
    const { chains, content, records, warn } = this.#deps;
    const plan = await planEndpoint(chains, container, network, settings);
    const grown: SandboxRecord = { ...live.record, endpoints: [...live.record.endpoints] };
    const [endpoint] = await this.#allocator.allocate(container, grown, [plan]);
    if (!endpoint) return;
    const before = content.snapshot(container, live.record);
    live.record = grown;
    try {
      if (!live.published) this.#takePorts(container, live);
      await records.put(container.id, live.record);
      await this.#attachAll(container, live);
      await content.update(container, before, live.record);
      await commit();
    } catch (error) {
      await this.#detach(container, live, endpoint).catch((failure: unknown) =>
        warn(
          `network ${network.name}: what a failed connect of ${container.name} made could not be taken back: ${String(failure)}`,
        ),
      );
      throw EngineError.from(error);
    }
  }

  /** Its record goes last, so that a daemon killed before takes the endpoint away once more: doing any of it twice does no harm. */
  async #detach(container: NetworkedContainer, live: LiveSandbox, endpoint: EndpointRecord): Promise<void> {
    const { content, registry, readiness, names, records } = this.#deps;
    const network = registry.byId(endpoint.networkId);
    const before = content.snapshot(container, live.record);
    names.remove(endpoint);
    const moved = live.published === undefined || live.published === endpoint;
    if (live.published === endpoint) {
      await live.ports.close(endpoint);
      live.ports.give();
      live.published = undefined;
    }
    const place = this.#place(live.record);
    if (network) await readiness.driver(network).detach(network, endpoint, place);
    const attached = live.attached.delete(endpoint.id);
    live.record = { ...live.record, endpoints: live.record.endpoints.filter((each) => each.id !== endpoint.id) };
    this.#reroute(live, place);
    this.#reconfigureResolver(live, container);
    try {
      await content.update(container, before, live.record);
      if (!live.published) this.#takePorts(container, live);
    } finally {
      await records.put(container.id, live.record, { happened: true });
      this.#allocator.give(endpoint);
      if (attached) this.#publishEvent("disconnect", endpoint.networkName, container.id);
    }
    if (moved && live.published) await live.ports.open(live.published);
  }

  /** The default route of a vanished interface went with it; the next endpoint in rank gives one. */
  #reroute(live: LiveSandbox, place: EndpointPlace): void {
    const attached = live.record.endpoints.filter((endpoint) => live.attached.has(endpoint.id));
    this.#deps.namespaces.change(place.netnsPath, defaultRouteChanges(attached));
  }

  async #release(containerId: string): Promise<void> {
    const { records, namespaces, names, readiness, registry, firewall, warn } = this.#deps;
    const live = this.#live.get(containerId);
    const record = live?.record ?? records.get(containerId);
    if (record) {
      live?.resolver?.close();
      for (const endpoint of record.endpoints) {
        names.remove(endpoint);
        const closed = live
          ? live.published?.id === endpoint.id && live.ports.close(endpoint)
          : firewall.close(firewallPorts(endpoint), endpoint.openings);
        // The rules forget the ports with their next transaction at the latest.
        await Promise.resolve(closed).catch((error: unknown) =>
          warn(`rules of ${record.containerName} could not be removed: ${String(error)}`),
        );
        const network = registry.byId(endpoint.networkId);
        if (!network) continue;
        // Whatever a driver cannot take back must not keep the rest from being taken back.
        await Promise.resolve()
          .then(() => readiness.driver(network).forget(network, endpoint, this.#place(record)))
          .catch((error: unknown) =>
            warn(`network ${network.name}: the endpoint of ${record.containerName} could not be taken back: ${String(error)}`),
          );
      }
    }
    namespaces.remove(containerId);
    if (!record) return;
    live?.ports.give();
    if (records.get(containerId)) await records.delete(containerId);
    this.#live.delete(containerId);
    for (const endpoint of record.endpoints) {
      this.#allocator.giveWhenVanished(endpoint);
      if (live?.attached.has(endpoint.id)) this.#publishEvent("disconnect", endpoint.networkName, containerId);
    }
    if (live && record.endpoints.length === 0)
      this.#publishEvent("disconnect", record.mode === "host" ? "host" : "none", containerId);
  }

  /** A running container of the last run: its namespace is as it was, this process takes up what belongs to it. */
  #adopt(container: NetworkedContainer, record: SandboxRecord): void {
    const { names, registry, namespaces, warn } = this.#deps;
    const ports = new SandboxPorts(this.#deps);
    const published =
      record.endpoints.find((endpoint) => endpoint.ports.length > 0) ??
      record.endpoints.find((endpoint) => endpoint.openings.length > 0);
    if (published) ports.retake(published.ports);
    const live: LiveSandbox = {
      record,
      ports,
      published,
      resolver: undefined,
      attached: new Set(record.endpoints.map((endpoint) => endpoint.id)),
    };
    this.#live.set(record.containerId, live);
    for (const endpoint of record.endpoints) if (registry.byId(endpoint.networkId)) names.add(endpoint);
    if (!record.resolver || record.mode === "host" || !namespaces.exists(record.containerId)) return;
    try {
      const path = this.#place(record).netnsPath;
      const resolver = new SandboxResolver(this.#deps, path, this.#resolverSettings(container, record), record.resolver);
      live.resolver = resolver;
      const moved = resolver.ports.udpPort !== record.resolver.udpPort || resolver.ports.tcpPort !== record.resolver.tcpPort;
      if (moved) resolver.redirect({ replace: true });
    } catch (error) {
      warn(`names of ${record.containerName} are not served: ${String(error)}`);
    }
  }

  #join(ref: string): NetworkSandbox {
    const { container, running } = this.#deps.containers.find(ref);
    if (!running) throw conflict(`cannot join network of a non running container: ${container.id}`);
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

  #place(record: SandboxRecord): EndpointPlace {
    return {
      containerId: record.containerId,
      containerName: record.containerName,
      netnsPath: this.#deps.namespaces.path(record.containerId),
    };
  }

  #resolverSettings(container: NetworkedContainer, record: SandboxRecord) {
    return { endpoints: record.endpoints, ...this.#deps.content.upstream(container, record) };
  }

  #reconfigureResolver(live: LiveSandbox, known?: NetworkedContainer): void {
    if (!live.resolver) return;
    const container = known ?? this.#deps.containers.find(live.record.containerId).container;
    live.resolver.reconfigure(this.#resolverSettings(container, live.record));
  }

  #publishEvent(action: "connect" | "disconnect", networkRef: string, containerId: string): void {
    const network = this.#deps.registry.find(networkRef);
    if (network) publishConnection(this.#deps.events, action, network, containerId);
  }
}
