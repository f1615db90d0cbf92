import type * as api from "@pouchcontainer/api";
import { conflict, forbidden, invalidArgument, isKind, notFound } from "@pouchcontainer/errors";
import type { FoundContainer, NetworkContainers, NetworkEvents } from "./container-networks.ts";
import type { AddressManager } from "./ipam/address-manager.ts";
import type { DefaultPool } from "./ipam/default-pools.ts";
import { hostRoutes } from "./ipam/host-routes.ts";
import type { PluginChains } from "../plugin-host/chains.ts";
import { KeyedMutex } from "../keyed-mutex.ts";
import { refuseNul } from "../refuse-nul.ts";
import { matches, refuseUnknownFilters, type Filters } from "./network-filters.ts";
import { networkName } from "./network-mode.ts";
import type { DriverTable, NetworkReadiness } from "./network-readiness.ts";
import { inspectNetwork, isPredefined, type NetworkRecord } from "./network-record.ts";
import type { NetworkRegistry } from "./network-registry.ts";
import { planNetwork, refuseBadName, refuseSwarm } from "./plan-network.ts";
import { publishConnection } from "./publish-connection.ts";
import { endpointsOf, refuseBadSettings } from "./endpoint-plan.ts";
import type { Sandboxes } from "./sandboxes.ts";

export interface NetworkManagerDeps {
  registry: NetworkRegistry;
  drivers: DriverTable;
  readiness: NetworkReadiness;
  addresses: AddressManager;
  sandboxes: Sandboxes;
  containers: NetworkContainers;
  chains: Pick<PluginChains, "change">;
  events: NetworkEvents;
  defaultPools: DefaultPool[];
  clock: () => Date;
}

/** Of a container, by network name. */
type Endpoints = Record<string, api.EndpointSettings>;

/** The networks API: what `docker network …` talks to. */
export class NetworkManager {
  readonly #deps: NetworkManagerDeps;
  readonly #mutex = new KeyedMutex();

  constructor(deps: NetworkManagerDeps) {
    this.#deps = deps;
  }

  /** One after the other: two networks made at once must not choose the same subnet or name. */
  async create(requested: api.NetworkCreateConfig): Promise<api.NetworkCreateResponse> {
    const config = await this.#deps.chains.change("network.preCreate", { config: requested }, {});
    return this.#mutex.run("create", async () => {
      const { registry, readiness, addresses } = this.#deps;
      const record = this.#record(config);
      if (record.configOnly) {
        await registry.put(record);
        this.#publish("create", record);
        return { Id: record.id, Warning: "" };
      }
      addresses.add(record);
      try {
        // The record comes first: a daemon killed in between finds it, and the network is made when it is first needed.
        await registry.put(record);
        await readiness.ensure(record);
      } catch (error) {
        addresses.remove(record.id);
        await registry.delete(record.id);
        throw error;
      }
      this.#publish("create", record);
      return { Id: record.id, Warning: "" };
    });
  }

  async list(filters: Filters): Promise<api.NetworkInspect[]> {
    refuseUnknownFilters(filters);
    const { registry, sandboxes } = this.#deps;
    const records = registry
      .all()
      .filter((record) => matches(record, filters, { used: sandboxes.endpointsIn(record.id).length > 0 }));
    return Promise.resolve(records.map((record) => inspectNetwork(record, {})));
  }

  async inspect(ref: string, options: { verbose: boolean; scope?: string }): Promise<api.NetworkInspect> {
    const record = this.#deps.registry.require(ref);
    if (options.scope !== undefined && options.scope !== "" && options.scope !== "local")
      throw notFound(`network ${ref} not found`);
    return Promise.resolve(inspectNetwork(record, this.#deps.sandboxes.membersOf(record)));
  }

  /** Refuses a network mode by a network that is not there. A client is told of it at the start: it may be made by then. */
  checkMode(mode: string | undefined): void {
    const name = networkName(mode);
    if (name !== "bridge" && !name.startsWith("container:")) this.#deps.registry.require(name);
  }

  async connect(ref: string, request: api.NetworkConnectRequest): Promise<void> {
    const { containers, registry } = this.#deps;
    registry.require(ref);
    // A start would not see what is recorded after it has looked.
    await containers.locked(request.Container, (found) =>
      this.#connect(registry.require(ref), found, request.EndpointConfig ?? {}),
    );
  }

  async #connect(record: NetworkRecord, { container, running }: FoundContainer, settings: api.EndpointSettings): Promise<void> {
    refuseSharedNamespace(container.networkMode, record, "connected");
    refuseNul({ EndpointConfig: settings });
    refuseBadSettings(record, settings);
    const commit = () => this.#saveEndpoints(container.id, (endpoints) => ({ ...endpoints, [record.name]: settings }));
    if (running) return this.#deps.sandboxes.attach(container, record, settings, commit);
    // dockerd keeps what is known of a container that does not run, and does not complain.
    if (!Object.keys(endpointsOf(container)).some((name) => this.#isNamedBy(name, record))) await commit();
  }

  async disconnect(ref: string, request: api.NetworkDisconnectRequest): Promise<void> {
    const { containers, registry } = this.#deps;
    const record = registry.require(ref);
    let id: string;
    try {
      id = containers.find(request.Container).container.id;
    } catch (error) {
      if (!request.Force || !isKind(error, "notFound")) throw error;
      return this.#disconnectStale(record, request.Container);
    }
    await containers.locked(id, (found) => this.#disconnect(registry.require(ref), found));
  }

  async #disconnect(record: NetworkRecord, { container, running }: FoundContainer): Promise<void> {
    refuseSharedNamespace(container.networkMode, record, "disconnected");
    const known = Object.entries(endpointsOf(container)).filter(([name]) => this.#isNamedBy(name, record));
    const commit = () =>
      this.#saveEndpoints(container.id, (endpoints) =>
        Object.fromEntries(Object.entries(endpoints).filter(([name]) => !this.#isNamedBy(name, record))),
      );
    // Of a running one its sandbox tells.
    if (running) {
      const undo = () => this.#saveEndpoints(container.id, (endpoints) => ({ ...endpoints, ...Object.fromEntries(known) }));
      return this.#deps.sandboxes.detach(container, record, { commit, undo });
    }
    if (known.length === 0) throw forbidden(`container ${container.id} is not connected to the network ${record.name}`);
    await commit();
    publishConnection(this.#deps.events, "disconnect", record, container.id);
  }

  async remove(ref: string): Promise<void> {
    await this.#remove(this.#deps.registry.require(ref));
  }

  async prune(filters: Filters): Promise<api.NetworkPruneResponse> {
    refuseUnknownFilters(filters, ["label", "label!", "until"]);
    const { registry, sandboxes } = this.#deps;
    const deleted: string[] = [];
    for (const record of registry.all()) {
      // A configuration is kept, as dockerd does: nobody is in it, and networks are made from it.
      if (isPredefined(record.name) || record.configOnly || sandboxes.endpointsIn(record.id).length > 0) continue;
      if (!matches(record, filters, { used: false, now: this.#deps.clock() })) continue;
      try {
        await this.#remove(record);
        deleted.push(record.name);
      } catch (error) {
        // Taken into use or removed a moment ago.
        if (!isKind(error, "forbidden", "notFound")) throw error;
      }
    }
    this.#deps.events.publish({ type: "network", action: "prune", id: "", attributes: { reclaimed: "0" } });
    return { NetworksDeleted: deleted.length > 0 ? deleted : null };
  }

  /** From what is recorded at this moment: another network may have been connected since the request came. */
  #saveEndpoints(containerId: string, change: (endpoints: Endpoints) => Endpoints): Promise<void> {
    const { containers } = this.#deps;
    return containers.saveEndpoints(containerId, change(endpointsOf(containers.find(containerId).container)));
  }

  #isNamedBy(ref: string, network: NetworkRecord): boolean {
    return this.#deps.registry.find(networkName(ref))?.id === network.id;
  }

  #record(config: api.NetworkCreateConfig): NetworkRecord {
    const { registry, addresses, defaultPools } = this.#deps;
    refuseNul(config);
    refuseBadName(config.Name);
    if (registry.byName(config.Name)) throw conflict(`network with name ${config.Name} already exists`);
    refuseSwarm(config);
    const template = this.#template(config);
    const around = { defaultPools, networks: addresses.subnets(), hostRoutes: hostRoutes(), others: registry.all() };
    return planNetwork(this.#deps, config, { ...around, template });
  }

  /** Refuses a request of which no network can be made, whichever others there are. Allocates nothing. */
  check(config: api.NetworkCreateConfig): void {
    refuseNul(config);
    refuseBadName(config.Name);
    refuseSwarm(config);
    // Of one that is made from another that one says the rest.
    if (config.ConfigFrom?.Network) return;
    planNetwork(this.#deps, config, { defaultPools: this.#deps.defaultPools, networks: [], hostRoutes: [], others: [] });
  }

  /** `--config-from`: a network that only holds configuration. */
  #template(config: api.NetworkCreateConfig): NetworkRecord | undefined {
    const from = config.ConfigFrom?.Network;
    if (from === undefined || from === "") return undefined;
    const template = this.#deps.registry.require(from);
    if (!template.configOnly) throw forbidden(`network ${from} is not a configuration network`);
    return { ...template, driver: config.Driver || template.driver };
  }

  /** Of two removals at once the second finds what the first has left. */
  #remove(record: NetworkRecord): Promise<void> {
    return this.#mutex.run(record.id, async () => {
      if (this.#deps.registry.byId(record.id) === undefined) throw notFound(`network ${record.name} not found`);
      await this.#removeExisting(record);
    });
  }

  async #removeExisting(record: NetworkRecord): Promise<void> {
    const { registry, readiness, addresses, sandboxes } = this.#deps;
    if (isPredefined(record.name)) throw forbidden(`${record.name} is a pre-defined network and cannot be removed`);
    const users = sandboxes.endpointsIn(record.id);
    if (users.length > 0) {
      const names = users
        .map(({ containerName, endpoint }) => `name:"${containerName}" id:"${endpoint.id.slice(0, 12)}"`)
        .join(", ");
      throw forbidden(`error while removing network: network ${record.name} has active endpoints (${names})`);
    }
    const dependent = registry.all().find((other) => record.configOnly && other.configFrom === record.name);
    if (dependent) throw forbidden(`configuration network "${record.name}" is in use`);
    if (record.configOnly) return registry.delete(record.id);
    await readiness.remove(record, registry);
    addresses.remove(record.id);
    this.#publish("destroy", record);
  }

  /** `disconnect --force` of a container that is gone: its endpoint went with it, or is released now. */
  async #disconnectStale(record: NetworkRecord, ref: string): Promise<void> {
    const { sandboxes } = this.#deps;
    const stale = sandboxes.endpointsIn(record.id).find((user) => user.containerName === ref || user.containerId.startsWith(ref));
    if (!stale) throw notFound(`endpoint ${ref} not found`);
    await sandboxes.release(stale.containerId);
  }

  #publish(action: string, record: NetworkRecord): void {
    this.#deps.events.publish({ type: "network", action, id: record.id, attributes: { name: record.name, type: record.driver } });
  }
}

function refuseSharedNamespace(mode: string, network: NetworkRecord, verb: "connected" | "disconnected"): void {
  if (network.name === "host" || networkName(mode) === "host")
    throw invalidArgument("container cannot be disconnected from host network or connected to host network");
  if (mode.startsWith("container:"))
    throw forbidden(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  if (verb === "connected" && (network.name === "none" || networkName(mode) === "none")) {
    throw forbidden("container cannot be connected to multiple networks with one of the networks in private (none) mode");
  }
}
