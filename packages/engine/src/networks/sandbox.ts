import { EngineError, notFound } from "@pouchcontainer/errors";
import type { Libc } from "@pouchcontainer/linux";
import type { PluginChains } from "../plugin-host/chains.ts";
import { settleAll } from "../settle-all.ts";
import type { Collection } from "../store/index.ts";
import type { NetworkContainers, NetworkedContainer, NetworkEvents, NetworkSandbox } from "./container-networks.ts";
import { byRank, defaultRouteChanges } from "./default-routes.ts";
import type { NameDirectory } from "./dns/name-directory.ts";
import type { PendingQueries } from "./dns/pending-queries.ts";
import type { EndpointPlace } from "./drivers/network-driver.ts";
import type { EndpointAllocator } from "./endpoint-allocator.ts";
import { endpointDifferences } from "./endpoint-differences.ts";
import { planEndpoint, type EndpointPlan, type WantedNetwork } from "./endpoint-plan.ts";
import type { NetworkNamespaces } from "./linux/network-namespaces.ts";
import type { NetworkReadiness } from "./network-readiness.ts";
import { isPredefined } from "./network-record.ts";
import { newId, type NetworkRegistry } from "./network-registry.ts";
import { publishConnection } from "./publish-connection.ts";
import type { SandboxContent } from "./sandbox-content.ts";
import { SandboxPorts, type SandboxPortsDeps } from "./sandbox-ports.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";
import { SandboxResolver } from "./sandbox-resolver.ts";

export interface SandboxDeps extends SandboxPortsDeps {
  registry: NetworkRegistry;
  records: Collection<SandboxRecord>;
  readiness: NetworkReadiness;
  names: NameDirectory;
  pending: PendingQueries;
  namespaces: NetworkNamespaces;
  libc: Libc;
  content: SandboxContent;
  chains: Pick<PluginChains, "preCreateEndpoint">;
  events: NetworkEvents;
  containers: NetworkContainers;
  endpoints: EndpointAllocator;
}

/** Where drivers find a container's namespace. */
export function placeOf(namespaces: NetworkNamespaces, { containerId, containerName }: SandboxRecord): EndpointPlace {
  return { containerId, containerName, netnsPath: namespaces.path(containerId) };
}

/** The network side of one container while it runs. One operation at a time: the callers see to it. */
export class Sandbox {
  readonly #deps: SandboxDeps;
  readonly #ports: SandboxPorts;
  /** Endpoints whose interface is in the namespace. */
  readonly #attached = new Set<string>();
  #record: SandboxRecord;
  /** The endpoint the published ports lead to. */
  #published: EndpointRecord | undefined;
  #resolver: SandboxResolver | undefined;

  private constructor(deps: SandboxDeps, record: SandboxRecord) {
    this.#deps = deps;
    this.#ports = new SandboxPorts(deps);
    this.#record = record;
  }

  /** Of a container that starts. There is nothing of it yet. */
  static of(deps: SandboxDeps, { id, name }: NetworkedContainer, mode: string): Sandbox {
    return new Sandbox(deps, {
      containerId: id,
      containerName: name,
      sandboxId: newId(),
      mode: mode === "host" ? "host" : "namespace",
      endpoints: [],
      ...((mode === "host" || mode === "none") && { bare: { id: newId(), networkName: mode } }),
    });
  }

  /** Of a running container of the last run: its namespace is as it was, this process takes up what belongs to it. */
  static adopt(deps: SandboxDeps, container: NetworkedContainer, record: SandboxRecord): Sandbox {
    // An earlier version gave names to serve to a renamed container's endpoint in a network that serves none.
    const endpoints = record.endpoints.map((endpoint) =>
      isPredefined(endpoint.networkName) ? { ...endpoint, dnsNames: [] } : endpoint,
    );
    const sandbox = new Sandbox(deps, { ...record, endpoints });
    sandbox.#takeUp(container);
    return sandbox;
  }

  get record(): SandboxRecord {
    return this.#record;
  }

  get place(): EndpointPlace {
    return placeOf(this.#deps.namespaces, this.#record);
  }

  isAttached({ id }: EndpointRecord): boolean {
    return this.#attached.has(id);
  }

  async open(container: NetworkedContainer, mode: string, plans: EndpointPlan[], deferConnect: boolean): Promise<NetworkSandbox> {
    const { endpoints, records, namespaces, content } = this.#deps;
    await endpoints.allocate(container, this.#record, plans);
    if (plans.length > 0) this.#takePorts(container);
    if (mode === "host") {
      await records.put(container.id, this.#record);
      this.publishEvent("connect", mode);
      return content.writeHostMode(container);
    }
    // A namespace without a record is swept away at start, so it may come first.
    const netnsPath = namespaces.create(container.id);
    if (content.hasResolver(this.#record)) this.#openResolver(container, netnsPath, { replace: false });
    await records.put(container.id, this.#record);
    const written = content.write(container, this.#record);
    await settleAll([written, deferConnect ? undefined : this.attachAll(container)]);
    if (mode === "none") this.publishEvent("connect", mode);
    return { netnsPath, ...(await written) };
  }

  #takeUp(container: NetworkedContainer): void {
    const { names, registry, namespaces, warn } = this.#deps;
    const { containerId, containerName, endpoints, mode, resolver: known } = this.#record;
    this.#published =
      endpoints.find((endpoint) => endpoint.ports.length > 0) ?? endpoints.find((endpoint) => endpoint.openings.length > 0);
    if (this.#published) this.#ports.retake(this.#published.ports);
    for (const endpoint of endpoints) {
      this.#attached.add(endpoint.id);
      if (registry.byId(endpoint.networkId)) names.add(endpoint);
    }
    if (!known || mode === "host" || !namespaces.exists(containerId)) return;
    try {
      const resolver = new SandboxResolver(this.#deps, this.place.netnsPath, this.#resolverSettings(container), known);
      this.#resolver = resolver;
      const moved = resolver.ports.udpPort !== known.udpPort || resolver.ports.tcpPort !== known.tcpPort;
      if (moved) resolver.redirect({ replace: true });
    } catch (error) {
      warn(`names of ${containerName} are not served: ${String(error)}`);
    }
  }

  /** Takes up published ports again, together with the rules of their networks. */
  async openPorts(): Promise<void> {
    if (this.#published) await this.#ports.open(this.#published);
  }

  /** Closes what published ports an endpoint had. */
  async closePorts(endpoint: EndpointRecord): Promise<void> {
    if (this.#published?.id === endpoint.id) await this.#ports.close(endpoint);
  }

  /** Nobody asks it for names any more. */
  closeResolver(): void {
    this.#resolver?.close();
  }

  /** Ports can be given to others. */
  givePorts(): void {
    this.#ports.give();
  }

  /** Published ports lead to the container's first network that has a way out the host knows. */
  #takePorts(container: NetworkedContainer): void {
    const { registry, readiness } = this.#deps;
    for (const endpoint of this.#record.endpoints.toSorted(byRank)) {
      const network = registry.byId(endpoint.networkId);
      if (!network || endpoint.internal || !readiness.driver(network).publishesPorts) continue;
      this.#ports.take(container, network, endpoint);
      this.#published = endpoint;
      return;
    }
  }

  async attachAll(container: NetworkedContainer): Promise<void> {
    const { readiness, registry, namespaces, names, records } = this.#deps;
    const place = this.place;
    const fresh = this.#record.endpoints.filter((endpoint) => !this.#attached.has(endpoint.id));
    if (fresh.length === 0) return;
    const made = await settleAll(
      fresh.map(async (endpoint) => {
        const network = registry.byId(endpoint.networkId);
        if (!network) throw notFound(`network ${endpoint.networkName} not found`);
        await readiness.ensure(network);
        return readiness.driver(network).attach(network, endpoint, place);
      }),
    );
    namespaces.change(place.netnsPath, [...made.flatMap((each) => each.inside), ...defaultRouteChanges(this.#record.endpoints)]);
    // What a driver found itself is known only now.
    if (made.some((each) => each.changed === true)) await records.put(container.id, { ...this.#record });
    for (const endpoint of fresh) this.#attached.add(endpoint.id);
    if (this.#published && fresh.includes(this.#published)) await this.#ports.open(this.#published);
    for (const endpoint of fresh) {
      names.add(endpoint);
      this.publishEvent("connect", endpoint.networkName);
    }
    await this.#raiseResolver(container);
  }

  /** A container that was in the default bridge alone gets its resolver with the first network that has names. */
  async #raiseResolver(container: NetworkedContainer): Promise<void> {
    if (this.#resolver) return this.#resolver.reconfigure(this.#resolverSettings(container));
    if (!this.#deps.content.hasResolver(this.#record)) return;
    // A daemon that was killed may have led the queries elsewhere before it could note where.
    this.#openResolver(container, this.place.netnsPath, { replace: true });
    await this.#deps.records.put(container.id, this.#record);
  }

  #openResolver(container: NetworkedContainer, netnsPath: string, { replace }: { replace: boolean }): void {
    this.#resolver = new SandboxResolver(this.#deps, netnsPath, this.#resolverSettings(container));
    this.#record = { ...this.#record, resolver: this.#resolver.ports };
    this.#resolver.redirect({ replace });
  }

  async rename(name: string): Promise<void> {
    const old = this.#record.containerName;
    for (const endpoint of this.#record.endpoints) this.#deps.names.remove(endpoint);
    // One without names is in a network that serves none.
    const renamed = (names: string[]) =>
      names.length === 0 ? names : [name, ...names.filter((each) => each !== old && each !== name)];
    const endpoints = this.#record.endpoints.map((endpoint) => ({ ...endpoint, dnsNames: renamed(endpoint.dnsNames) }));
    this.#record = { ...this.#record, containerName: name, endpoints };
    if (this.#published) this.#published = endpoints.find((endpoint) => endpoint.id === this.#published?.id);
    for (const endpoint of endpoints) this.#deps.names.add(endpoint);
    this.#reconfigureResolver();
    await this.#deps.records.put(this.#record.containerId, this.#record);
  }

  async attach(container: NetworkedContainer, { network, settings }: WantedNetwork, commit: () => Promise<void>): Promise<void> {
    const { chains, content, records, warn } = this.#deps;
    const plan = await planEndpoint(chains, container, network, settings);
    const grown: SandboxRecord = { ...this.#record, endpoints: [...this.#record.endpoints] };
    const [endpoint] = await this.#deps.endpoints.allocate(container, grown, [plan]);
    if (!endpoint) return;
    const before = content.snapshot(container, this.#record);
    this.#record = grown;
    try {
      if (!this.#published) this.#takePorts(container);
      await records.put(container.id, this.#record);
      await this.attachAll(container);
      await content.update(container, before, this.#record);
      await commit();
    } catch (error) {
      await this.detach(container, endpoint).catch((failure: unknown) =>
        warn(
          `network ${network.name}: what a failed connect of ${container.name} made could not be taken back: ${String(failure)}`,
        ),
      );
      throw EngineError.from(error);
    }
  }

  /** Its record goes last, so that a daemon killed before takes the endpoint away once more: doing any of it twice does no harm. */
  async detach(container: NetworkedContainer, endpoint: EndpointRecord): Promise<void> {
    const { content, registry, readiness, names, records, warn } = this.#deps;
    const network = registry.byId(endpoint.networkId);
    const before = content.snapshot(container, this.#record);
    names.remove(endpoint);
    const moved = this.#published === undefined || this.#published === endpoint;
    if (this.#published === endpoint) {
      await this.#ports.close(endpoint);
      this.#ports.give();
      this.#published = undefined;
    }
    const place = this.place;
    if (network) await readiness.driver(network).detach(network, endpoint, place);
    const attached = this.#attached.delete(endpoint.id);
    this.#record = { ...this.#record, endpoints: this.#record.endpoints.filter((each) => each.id !== endpoint.id) };
    this.#reroute(place);
    this.#reconfigureResolver(container);
    try {
      if (!this.#published) this.#takePorts(container);
    } finally {
      // It is out of the network: what its files say of that is no reason to call it failed.
      await content
        .update(container, before, this.#record)
        .catch((error: unknown) =>
          warn(`${container.name}: its files still tell of network ${endpoint.networkName}: ${String(error)}`),
        );
      await records.put(container.id, this.#record, { happened: true });
      this.#deps.endpoints.give(endpoint);
      if (attached) this.publishEvent("disconnect", endpoint.networkName);
    }
    if (moved && this.#published) await this.#ports.open(this.#published);
  }

  /** The default route of a vanished interface went with it; the next endpoint in rank gives one. */
  #reroute(place: EndpointPlace): void {
    const attached = this.#record.endpoints.filter((endpoint) => this.#attached.has(endpoint.id));
    this.#deps.namespaces.change(place.netnsPath, defaultRouteChanges(attached));
  }

  /** What a daemon that was killed had begun with a running container's networks is finished or undone. */
  async complete(container: NetworkedContainer): Promise<void> {
    const { namespaces, registry, warn } = this.#deps;
    if (!namespaces.exists(container.id)) return;
    const attempt = (what: string, work: () => Promise<void>) =>
      work().catch((error: unknown) => warn(`${container.name} cannot be ${what}: ${String(error)}`));
    const { surplus, missing } = endpointDifferences(container, this.#record, registry);
    for (const endpoint of surplus)
      await attempt(`taken out of network ${endpoint.networkName}`, () => this.detach(container, endpoint));
    if (this.#record.containerName !== container.name) await attempt("found by its new name", () => this.rename(container.name));
    await attempt("put back into its networks", () => this.#reattach(container));
    if (!this.#published) await attempt("reached by its published ports", () => this.#publish(container));
    for (const wanted of missing)
      await attempt(`put into network ${wanted.network.name}`, () => this.attach(container, wanted, () => Promise.resolve()));
  }

  /** Interfaces that are gone or off their bridge are made anew. */
  async #reattach(container: NetworkedContainer): Promise<void> {
    const { names, readiness, registry } = this.#deps;
    const place = this.place;
    for (const endpoint of this.#record.endpoints) {
      const network = registry.byId(endpoint.networkId);
      if (!network) continue;
      const driver = readiness.driver(network);
      if (driver.isAttached(network, endpoint, place)) continue;
      await driver.detach(network, endpoint, place);
      names.remove(endpoint);
      this.#attached.delete(endpoint.id);
    }
    await this.attachAll(container);
  }

  /** The endpoint the published ports led to went, and no other had them yet. */
  async #publish(container: NetworkedContainer): Promise<void> {
    this.#takePorts(container);
    if (!this.#published || this.#published.ports.length === 0) return;
    await this.#deps.records.put(container.id, this.#record);
    await this.#ports.open(this.#published);
  }

  #resolverSettings(container: NetworkedContainer) {
    return { endpoints: this.#record.endpoints, ...this.#deps.content.upstream(container, this.#record) };
  }

  #reconfigureResolver(known?: NetworkedContainer): void {
    if (!this.#resolver) return;
    const container = known ?? this.#deps.containers.find(this.#record.containerId).container;
    this.#resolver.reconfigure(this.#resolverSettings(container));
  }

  publishEvent(action: "connect" | "disconnect", networkRef: string): void {
    const network = this.#deps.registry.find(networkRef);
    if (network) publishConnection(this.#deps.events, action, network, this.#record.containerId);
  }
}
